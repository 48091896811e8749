# SPDX-License-Identifier: AGPL-3.0-only
"""Private files: whole, 0600 whatever stood there, never through a link."""

from __future__ import annotations

import os
import re
import stat
import threading
from pathlib import Path

import pytest

from sentiric_llama.client.repl.conversation import Conversation
from sentiric_llama.host.private_files import (
    make_private_folder,
    open_to_resume,
    write_private,
    write_whole,
)
from sentiric_llama.host.product import PACKAGE
from sentiric_llama.tls.dev import make_dev


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_is_private_whatever_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o666)
    write_private(path, b"new")
    assert path.read_bytes() == b"new" and mode(path) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"], "nothing is left beside it"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_umask_only_takes_away(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_private(tmp_path / "key", b"x")
        write_whole(tmp_path / "ref", b"x")
        make_private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert mode(tmp_path / "key") == 0o600
    assert mode(tmp_path / "ref") == 0o666 & ~umask
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("precious")
    link.symlink_to(target)
    write_private(link, b"key")
    assert target.read_text() == "precious" and not link.is_symlink()
    assert mode(link) == 0o600


def test_no_name_that_can_be_guessed_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the scratch file was called before: a link there used to be written through."""
    trap = tmp_path / "trap"
    (tmp_path / f".service.key.{os.getpid()}").symlink_to(trap)
    opened: list[tuple[str, int]] = []
    real = os.open

    def note(path: str | Path, flags: int, *rest: int, **named: int) -> int:
        opened.append((str(path), flags))
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", note)
    for _ in range(2):
        write_private(tmp_path / "service.key", b"secret")
    assert not trap.exists()
    written = [(path, flags) for path, flags in opened if flags & os.O_CREAT]
    assert len({path for path, _ in written}) == 2, "another name each time"
    assert all(flags & os.O_EXCL and flags & os.O_NOFOLLOW for _, flags in written)


def test_a_failed_write_leaves_nothing_and_keeps_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    write_private(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_certificates_and_conversations_are_written_so(tmp_path: Path) -> None:
    """Through links that somebody laid, over files that all may read."""
    folder = tmp_path / "certs"
    folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (folder / "service.key").symlink_to(victim)
    paths = make_dev(folder, names=[], force=True)
    assert victim.read_text() == "precious"
    assert {mode(path) for path in paths.values()} == {0o600}
    talk = tmp_path / "talk.json"
    talk.write_text("{}")
    talk.chmod(0o644)
    Conversation("be brief").save(talk)
    assert mode(talk) == 0o600 and "be brief" in talk.read_text()
    talk.unlink()
    talk.symlink_to(victim)
    Conversation().save(talk)
    assert victim.read_text() == "precious"


def test_a_folder_that_all_may_write_into_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(PermissionError, match="others can exchange"):
        make_private_folder(shared)
    shared.chmod(0o1777)
    make_private_folder(shared)
    shared.chmod(0o775)  # a volume of a group, as Kubernetes mounts it
    make_private_folder(shared)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        make_private_folder(tmp_path / "file")


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = os.geteuid()
    folder = tmp_path / "x"
    folder.mkdir()
    if me == 0:
        os.chown(folder, 12345, 12345)
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(PermissionError, match="others can exchange"):
        make_private_folder(folder)


def test_a_download_goes_on_in_its_own_file_only(tmp_path: Path) -> None:
    part, target = tmp_path / "a.incomplete", tmp_path / "target"
    with open_to_resume(part) as file:
        file.write(b"half")
    with open_to_resume(part) as file:
        file.seek(0)
        assert file.read() == b"half" and mode(part) == 0o600
    target.write_text("precious")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        open_to_resume(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    waiting = threading.Thread(target=refuse_to_resume, args=(tmp_path / "pipe",))
    waiting.start()
    waiting.join(30)
    assert not waiting.is_alive(), "a pipe is not waited for"


def refuse_to_resume(path: Path) -> None:
    with pytest.raises(OSError, match="not a file of this user"):
        open_to_resume(path)


def test_nothing_else_writes_files() -> None:
    """Besides `private_files`, two commands write reports and `profile` an example for its user."""
    writers = {
        *("host/private_files.py", "commands/ask/bench.py"),
        *("commands/ask/scenarios.py", "commands/watch/profile.py"),
    }
    writes = re.compile(
        r"\.write_(text|bytes)\(|\.touch\(|\.open\(\s*[\"'][wax+]|O_CREAT|mkstemp|\bopen\([^)]*[\"'][wax]b?[\"']"
    )
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if writes.search(path.read_text("utf-8"))
    }
    assert found == writers
