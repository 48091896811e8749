# SPDX-License-Identifier: AGPL-3.0-only
"""clang-tidy over the C++ that a build compiled: locks, and the checks of cpp/.clang-tidy.

    lint_cpp.py BUILD [--jobs N] [FILE...]

BUILD holds a compile_commands.json, of gcc as well; without files, all of cpp/ is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "cpp" / ".clang-tidy"
# Of gcc alone, or of no interest to a reader of the source.
DROPPED = ("-fno-fat-lto-objects", "-flto", "-fopenmp", "-march=", "-mtune=", "-Werror", "-Wno-")


def entries(build: Path, files: list[Path]) -> list[dict[str, str]]:
    """The commands for the files, as clang reads them; once for each file."""
    wanted = [file.resolve() for file in files]
    found: dict[Path, dict[str, str]] = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = Path(entry["directory"], entry["file"]).resolve()
        if file in wanted if wanted else file.is_relative_to(ROOT / "cpp"):
            found[file] = {**entry, "file": str(file), "command": cleaned(entry["command"])}
    return [found[file] for file in sorted(found)]


def cleaned(command: str) -> str:
    words = shlex.split(command)
    if "ccache" in words[0]:
        words = words[1:]
    return shlex.join(word for word in words if not word.startswith(DROPPED))


def check(database: Path, file: str) -> tuple[str, str, bool]:
    command = ["clang-tidy", "--quiet", f"--config-file={CONFIG}", "-p", str(database), file]
    done = subprocess.run(command, capture_output=True, text=True)
    return file, done.stdout + ("" if done.returncode == 0 else done.stderr), done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    commands = entries(args.build, args.files)
    compiled = {entry["file"] for entry in commands}
    missing = [str(file) for file in args.files if str(file.resolve()) not in compiled]
    if missing or not commands:
        print(f"not compiled in {args.build}:", *(missing or ["anything of cpp/"]))
        return 2
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder)
        (database / "compile_commands.json").write_text(json.dumps(commands))
        with ThreadPoolExecutor(args.jobs) as pool:
            files = [entry["file"] for entry in commands]
            results = list(pool.map(lambda file: check(database, file), files))
    failed = [file for file, _, is_clean in results if not is_clean]
    for _, output, is_clean in results:
        if not is_clean:
            print(output)
    print(f"{len(results)} files, {len(failed)} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
