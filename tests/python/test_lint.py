# SPDX-License-Identifier: AGPL-3.0-only
"""The check of `make lint-cpp` finds what it is there for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = "  const MutexLock lock(&mutex_);\n"
POOL = (ROOT / "cpp/core/cache/context_pool.cpp").read_text("utf-8")
READER = "bool ContextPool::is_free(SeqId seq) const {\n"
MOVED = """
#include <string>
#include <utility>
std::size_t Sizes(std::string text) {
  const std::string taken = std::move(text);
  return taken.size() + text.size();
}
"""


@pytest.fixture
def clang_tidy() -> None:
    """CI installs what `make lint` needs before it tests."""
    if shutil.which("clang-tidy", path=search_path()) is None:
        assert not os.environ.get("CI"), "clang-tidy is not installed; run: make lint"
        pytest.skip("clang-tidy is not installed; run: make lint")


def search_path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def lint(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """The check over one file, compiled as gcc compiles ours."""
    file = folder / "planted.cpp"
    file.write_text(source, "utf-8")
    includes = f"-I{ROOT / 'cpp'} -I{ROOT / 'cpp/include'}"
    command = f"/usr/bin/ccache g++ {includes} -std=c++17 -Wall -Werror -fopenmp -c {file}"
    entry = {"directory": str(folder), "file": str(file), "command": command}
    (folder / "compile_commands.json").write_text(json.dumps([entry]))
    return subprocess.run(
        [sys.executable, str(ROOT / ".ci/lint_cpp.py"), str(folder), str(file)],
        env={**os.environ, "PATH": search_path()},
        capture_output=True,
        text=True,
    )


@pytest.mark.usefixtures("clang_tidy")
def test_a_file_of_ours_passes(tmp_path: Path) -> None:
    done = lint(tmp_path, POOL)
    assert done.returncode == 0, done.stdout
    assert "1 files, 0 with findings" in done.stdout


@pytest.mark.usefixtures("clang_tidy")
def test_an_access_without_the_lock_is_found(tmp_path: Path) -> None:
    assert READER + LOCK in POOL
    done = lint(tmp_path, POOL.replace(READER + LOCK, READER))
    assert done.returncode == 1
    assert "clang-diagnostic-thread-safety" in done.stdout
    assert "'used_' requires holding mutex 'mutex_'" in done.stdout


@pytest.mark.usefixtures("clang_tidy")
def test_a_use_after_a_move_is_found(tmp_path: Path) -> None:
    done = lint(tmp_path, MOVED)
    assert done.returncode == 1
    assert "bugprone-use-after-move" in done.stdout


def test_files_that_were_not_compiled_are_no_success(tmp_path: Path) -> None:
    (tmp_path / "compile_commands.json").write_text("[]")
    for files in ([], ["absent.cpp"]):
        done = subprocess.run(
            [sys.executable, str(ROOT / ".ci/lint_cpp.py"), str(tmp_path), *files],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2 and all(name in done.stdout for name in files)


def test_all_locks_are_those_that_the_check_knows() -> None:
    words = ("std::mutex", "std::lock_guard", "std::unique_lock", "std::condition_variable")
    files = [path for path in (ROOT / "cpp").rglob("*") if path.suffix in (".h", ".cpp")]
    strange = [path.name for path in files if any(word in path.read_text() for word in words)]
    assert strange == ["mutex.h"]
