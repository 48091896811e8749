# SPDX-License-Identifier: AGPL-3.0-only
"""vendor/fetch.py: what is said when pip cannot bring the archive. The pips are real."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

FETCH = Path(__file__).parents[2] / "vendor" / "fetch.py"
ARCHIVE = "llama_cpp_python-0.3.36.tar.gz"


def complaint(folder: Path, **variables: str) -> list[str]:
    """What `download` ends with when pip has these variables and no other configuration."""
    program = (
        f"import sys; sys.path.insert(0, {str(FETCH.parent)!r})\n"
        f"import fetch, pathlib; fetch.download(pathlib.Path({str(folder)!r}))"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    clean |= {"PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=clean | variables, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stderr
    return done.stderr.splitlines()


def test_a_network_that_is_down(tmp_path: Path) -> None:
    nobody = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "2"}
    told = complaint(tmp_path, **nobody)
    assert told[0].startswith("[vendor] cannot fetch llama.cpp: no package index can be reached")
    assert "PIP_INDEX_URL" in told[0] and "PIP_FIND_LINKS" in told[0]
    assert "Connection refused" in "\n".join(told[1:]), "the cause, as pip says it"
    assert sum("Retrying" in line for line in told) == 1, "once"


def test_an_index_without_the_version(tmp_path: Path) -> None:
    told = complaint(tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))
    assert "does not have the version of llama.cpp.txt" in told[0]
    assert any("llama-cpp-python==0.3.36" in line for line in told[1:])


def test_an_archive_that_was_changed(tmp_path: Path) -> None:
    source = tmp_path / "links"
    source.mkdir()
    (source / ARCHIVE).write_bytes(b"another archive")
    told = complaint(tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(source))
    assert "its SHA-256 differs" in told[0]
    text = "\n".join(told[1:])
    assert "Expected sha256" in text and "Got" in text


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("/usr/bin/python3: No module named pip", "python3 -m ensurepip"),
        ("ERROR: No space left on device", "pip failed"),
    ],
)
def test_other_complaints(output: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FETCH.parent))
    import fetch  # type: ignore[import-not-found]

    first, second = fetch.reason_of(output).splitlines()
    assert words in first and second.strip() == output


@pytest.mark.parametrize("pin", ["same", "other"])
def test_what_is_there_is_not_replaced(
    pin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is downloaded. The pinned tree is a success, also for the second of two builds."""
    monkeypatch.syspath_prepend(FETCH.parent)
    fetch = importlib.import_module("fetch")
    target = tmp_path / "llama.cpp"
    target.mkdir()
    (target / ".pin").write_bytes(fetch.PIN.read_bytes() if pin == "same" else b"older")
    monkeypatch.setattr(fetch, "TARGET", target)
    monkeypatch.setattr(fetch, "download", lambda _folder: pytest.fail("downloaded"))
    if pin == "same":
        fetch.main()
        assert "already there, at the pinned version" in capsys.readouterr().out
        return
    with pytest.raises(SystemExit, match=r"delete vendor/llama\.cpp and run"):
        fetch.main()
