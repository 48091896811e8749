# SPDX-License-Identifier: AGPL-3.0-only
"""A changed file of keys is taken over while the server runs; a broken one is not.

One that is gone takes its keys with it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from key_files import entry, key_of, write_keys
from sentiric_llama.access.api_key import Identity
from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.access.key_watch import KeyFile, KeyFileState, watch, writable_by_others
from sentiric_llama.errors import InvalidArgument

OWN = [("own-key", Identity("own", frozenset({"user"})))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_keys(tmp_path / "keys.json", entry("app"))
    return tmp_path / "keys.json"


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(OWN, has_file=True)


def knows(ring: KeyRing, name: str) -> bool:
    return ring.identify([(b"x-api-key", key_of(name).encode())]) is not None


def test_a_change_is_taken_over(path: Path, ring: KeyRing) -> None:
    file = KeyFile(path, ring)
    assert file.num_keys == 1 and knows(ring, "app") and not file.refresh()
    write_keys(path, entry("app"), entry("new"))
    assert file.refresh() and knows(ring, "new") and file.num_keys == 2
    assert not file.refresh(), "nothing has changed since"
    write_keys(path, entry("new"))
    assert file.refresh() and not knows(ring, "app")


def test_a_broken_file_keeps_the_last_good_one(
    path: Path, ring: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    file = KeyFile(path, ring)
    caplog.set_level(logging.INFO)
    for text in ('{"keys": [', "{}", f'{{"keys": ["{key_of("app")}"]}}'):
        path.write_text(text)
        assert not file.refresh() and not file.refresh()
        assert knows(ring, "app")
        assert file.state is KeyFileState.STALE
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events == ["KEYS_REFUSED"] * 3, "each reason once"
    write_keys(path, entry("back"))
    assert file.refresh() and knows(ring, "back") and not knows(ring, "app")
    assert file.state is KeyFileState.CURRENT
    assert getattr(caplog.records[-1], "event", "") == "KEYS_RELOADED"
    assert key_of("app") not in caplog.text


def test_a_file_that_is_gone_takes_its_keys_with_it(
    path: Path, ring: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    file = KeyFile(path, ring)
    content = path.read_bytes()
    path.unlink()
    assert not file.refresh() and knows(ring, "app"), "an editor that saves is forgiven one look"
    path.write_bytes(content)
    assert file.refresh() and knows(ring, "app")
    path.unlink()
    for _ in range(4):
        assert not file.refresh()
    assert not knows(ring, "app") and file.num_keys == 0 and file.state is KeyFileState.LOST
    assert ring.locks("user"), "the server stays locked"
    assert ring.identify([(b"x-api-key", b"own-key")]), "keys of the settings stay"
    lost = [r for r in caplog.records if getattr(r, "event", "") == "KEYS_LOST"]
    assert [record.levelname for record in lost] == ["ERROR"]
    path.write_text("{")
    assert not file.refresh() and not knows(ring, "app") and file.state is KeyFileState.LOST
    path.write_bytes(content)
    assert file.refresh() and knows(ring, "app") and file.state is KeyFileState.CURRENT


def test_a_file_that_cannot_be_read_is_as_good_as_gone(path: Path, ring: KeyRing) -> None:
    file = KeyFile(path, ring)
    path.unlink()
    path.mkdir()
    assert not file.refresh() and not file.refresh()
    assert file.state is KeyFileState.LOST and not knows(ring, "app")


def test_a_name_of_the_settings_is_refused_with_the_file(path: Path, ring: KeyRing) -> None:
    file = KeyFile(path, ring)
    write_keys(path, entry("own"))
    assert not file.refresh() and knows(ring, "app")
    with pytest.raises(InvalidArgument, match=r"keys\.json keys\[0\]\.name"):
        KeyFile(path, KeyRing(OWN, has_file=True))


def test_a_start_with_a_broken_file_fails(path: Path, ring: KeyRing) -> None:
    path.write_text("{")
    with pytest.raises(InvalidArgument, match="not valid JSON"):
        KeyFile(path, ring)


def test_watching_tells_of_new_keys(path: Path, ring: KeyRing) -> None:
    async def scenario() -> None:
        told = asyncio.Event()
        watching = asyncio.create_task(watch(KeyFile(path, ring), 0.01, told.set))
        write_keys(path, entry("new"))
        async with asyncio.timeout(30):
            await told.wait()
        assert knows(ring, "new")
        watching.cancel()
        await asyncio.wait([watching])

    asyncio.run(scenario())


def test_who_may_write_the_file(path: Path) -> None:
    for mode, others in ((0o600, False), (0o644, False), (0o660, True), (0o602, True)):
        os.chmod(path, mode)
        assert writable_by_others(path) is others
    assert not writable_by_others(path.with_name("none"))
