# SPDX-License-Identifier: AGPL-3.0-only
"""Fetch the pinned llama.cpp and unpack what the build needs into vendor/llama.cpp.

Run by the CMake configure step (vendor/LlamaCpp.cmake) when the folder is absent, or by hand.
The package client resolves and verifies the archive, so its own configuration
(mirror, proxy, offline folder) applies and no host is named here.

The tree is unpacked beside its final place and renamed at the end: a folder named
vendor/llama.cpp is always complete.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

HERE = Path(__file__).resolve().parent
PIN = HERE / "llama.cpp.txt"
TARGET = HERE / "llama.cpp"

# How a build front end tells its child process where our backend lies. A pip that inherits them
# would look for the archive's backend there.
HOOKS = "_PYPROJECT_HOOKS_"

# Relative to the llama.cpp root. Everything else stays in the archive.
NEEDED = (
    "AUTHORS",
    "CMakeLists.txt",
    "LICENSE",
    "cmake/",
    "common/",
    "ggml/",
    "include/",
    "licenses/",
    "models/",
    "src/",
    "tools/batched-bench/",
    "tools/llama-bench/",
    "tools/mtmd/",
    "tools/server/",
    "vendor/",
)

MEANINGS = (
    ("DO NOT MATCH THE HASHES", f"the archive is not the one of {PIN.name}: its SHA-256 differs; "
     "a mirror or a proxy may have changed it"),
    ("connection broken by", "no package index can be reached: check the network and the proxy, "
     "or name a mirror (PIP_INDEX_URL) or a folder with the archive (PIP_FIND_LINKS)"),
    ("Could not fetch URL", "the package index cannot be read: check its address, certificate and "
     "proxy (pip config list)"),
    ("No matching distribution", f"the package index of pip does not have the version of {PIN.name}"
     ": name another one (PIP_INDEX_URL) or a folder with the archive (PIP_FIND_LINKS)"),
    ("No module named pip", "this Python has no pip: run it in a virtual environment, or install "
     "pip (python3 -m ensurepip)"),
)  # fmt: skip
"""Words of pip -> what they mean and what to do; the first that occurs is the cause."""
MOST_LINES = 12


def environment() -> dict[str, str]:
    """Without the variables of an outer build."""
    return {name: value for name, value in os.environ.items() if not name.startswith(HOOKS)}


def download(folder: Path) -> Path:
    """Download the pinned archive into `folder`; the hash is checked by pip."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--no-binary", "llama-cpp-python", "--require-hashes",
        "--requirement", str(PIN), "--dest", str(folder),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if result.returncode != 0:
        raise SystemExit(f"[vendor] cannot fetch llama.cpp: {reason_of(result.stderr)}")
    return next(folder.glob("*.tar.gz"))


def reason_of(output: str) -> str:
    """What pip's complaint means and what to do, then the complaint itself."""
    retries = [line for line in output.splitlines() if "Retrying" in line][1:]
    lines = [line for line in output.splitlines() if line.strip() and line not in retries]
    meaning = next((text for words, text in MEANINGS if words in output), "pip failed")
    return "\n  ".join([meaning, *(line.rstrip() for line in lines[-MOST_LINES:])])


def wanted(member: tarfile.TarInfo) -> bool:
    """Keep the needed files of <archive>/vendor/llama.cpp and rename them to its root."""
    parts = PurePosixPath(member.name).parts
    if parts[1:3] != ("vendor", "llama.cpp") or not member.isfile():
        return False
    name = "/".join(parts[3:])
    if not any(name == entry or (entry[-1] == "/" and name.startswith(entry)) for entry in NEEDED):
        return False
    member.name = name
    return True


def unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, members=(m for m in tar if wanted(m)), filter="data")
    missing = [entry for entry in NEEDED if not (folder / entry).exists()]
    if missing:
        raise SystemExit(f"[vendor] {archive.name} lacks {', '.join(missing)}")


def is_there() -> bool:
    """Looks before anything is downloaded. Another tree is not replaced: it may be edited."""
    pin = TARGET / ".pin"
    if pin.is_file() and pin.read_bytes() == PIN.read_bytes():
        return True
    if TARGET.exists():
        raise SystemExit(
            f"[vendor] {TARGET.name} is there, but incomplete or of another version; delete "
            f"vendor/{TARGET.name} and run this again"
        )
    return False


def main() -> None:
    if is_there():
        print(f"[vendor] {TARGET.name} is already there, at the pinned version")
        return
    with tempfile.TemporaryDirectory(dir=HERE, prefix=".unpack-") as scratch:
        folder = Path(scratch, "llama.cpp")
        unpack(download(Path(scratch)), folder)
        shutil.copy(PIN, folder / ".pin")
        folder.rename(TARGET)


if __name__ == "__main__":
    main()
