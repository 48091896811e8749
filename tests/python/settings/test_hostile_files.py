# SPDX-License-Identifier: AGPL-3.0-only
"""Files of settings that are huge, endless, devices, or broken on purpose."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from sentiric_llama.client.repl.conversation import Conversation
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.bounded_files import MAX_SETTINGS_BYTES, read_bounded
from sentiric_llama.settings.config import PREFIX
from sentiric_llama.settings.load import load_settings
from sentiric_llama.tls.identity import IdentityFiles, read_identity
from sentiric_llama.tls.trust import Trust


def read_dotenv(path: str) -> None:
    os.symlink(path, ".env")
    load_settings()


READERS: dict[str, Callable[[str], object]] = {
    "config": load_settings,
    "profiles": lambda path: load_settings(profiles_path=path),
    "key": lambda path: load_settings(api_key_file=path),
    ".env": read_dotenv,
    "CA": lambda path: Trust(ca_file=path).check(),
    "certificate": lambda path: read_identity(IdentityFiles(Path(path), Path(path))),
    "conversation": lambda path: Conversation().load(Path(path)),
}


@pytest.mark.parametrize(
    ("reader", "kind"),
    [(reader, kind) for reader in READERS for kind in ("device", "pipe")
     if (reader, kind) != ("key", "pipe")],
)  # fmt: skip
def test_only_regular_files_are_read(reader: str, kind: str, tmp_path: Path) -> None:
    path = "/dev/zero"
    if kind == "pipe":  # nobody ever writes to it
        path = str(tmp_path / "pipe")
        os.mkfifo(path)
    with pytest.raises(InvalidArgument, match="not a regular file"):
        READERS[reader](path)


def test_a_key_may_come_through_a_pipe() -> None:
    """As from `<(pass show key)`."""
    for written, words in ((b" s3cret\n", ""), (b"x" * 70_000, "larger than")):
        ends = os.pipe()
        writing = threading.Thread(target=write_and_close, args=(ends[1], written))
        writing.start()
        try:
            with pytest.raises(InvalidArgument, match=words) if words else nullcontext():
                loaded = load_settings(api_key_file=f"/dev/fd/{ends[0]}")
                assert loaded.api_key.get_secret_value() == "s3cret"
        finally:
            os.close(ends[0])
            writing.join(30)


def write_and_close(descriptor: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(descriptor, "wb", closefd=True) as file:
        file.write(data)


@pytest.mark.parametrize("reader", READERS)
def test_none_is_read_without_a_bound(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InvalidArgument, match="larger than"):
        READERS[reader](str(path))


def test_the_bound_itself_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"#" * MAX_SETTINGS_BYTES)
    assert len(read_bounded(path)) == MAX_SETTINGS_BYTES
    with pytest.raises(OSError, match="larger than"):
        read_bounded(path, MAX_SETTINGS_BYTES - 1)
    with pytest.raises(OSError, match="not a path"):
        read_bounded("a\0b")


def test_a_virtual_environment_named_env_is_no_file_of_settings() -> None:
    Path(".env").mkdir()
    assert load_settings().contexts == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"profiles":' * 20_000, "nested too deeply"),
        ('{"profiles": {"one": {"top_k": ' + "9" * 5000 + "}}}", "an integer of 5000 digits"),
        ('{"profiles": {"one": {}, "one": {}}}', "duplicate key 'one'"),
        ('{"profiles": {"one": {"top_k": 1, "top_k": 2}}}', "duplicate key 'top_k'"),
        ("{", "is not valid JSON: Expecting"),
        ("\xff", "is not valid JSON: not UTF-8"),
    ],
)
def test_broken_profiles_say_what_is_broken(text: str, told: str) -> None:
    Path("profiles.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgument) as caught:
        load_settings()
    assert told in str(caught.value) and "contains no profiles" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text",
    ["contexts = " + "9" * 5000, "a = " + "[" * 20_000, "a = " + '{"a" = ' * 20_000],
)
def test_broken_toml_is_no_traceback(text: str) -> None:
    Path("bad.toml").write_text(text)
    with pytest.raises(InvalidArgument, match="is not valid TOML"):
        load_settings("bad.toml")


@pytest.mark.parametrize(
    "text",
    [
        "contexts = 0x1" + "0" * 5000,
        f"contexts = '{'9' * 100_000}'",
        f"{'x' * 100_000} = 1",
        f"model_alias = [{'[1],' * 10_000}]",
    ],
)
def test_what_an_error_repeats_is_short(text: str) -> None:
    Path("bad.toml").write_text(text)
    with pytest.raises(InvalidArgument) as caught:
        load_settings("bad.toml")
    assert len(str(caught.value)) < 500


def test_profiles_and_paths_are_repeated_on_one_short_line(tmp_path: Path) -> None:
    Path("profiles.json").write_text('{"profiles": {"a\\nb": {"\\u001b\\n": 1}}}')
    for name in ("a\nb", "x\ny" + "z" * 10_000):
        with pytest.raises(InvalidArgument) as caught:
            load_settings(profile=name)
        assert "\n" not in caught.value.what and "\x1b" not in caught.value.what
        assert len(caught.value.what) < 500


def test_the_kinds_of_readers_are_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path from a variable goes the same way as one of a flag."""
    monkeypatch.setenv(PREFIX + "PROFILES_PATH", "/dev/zero")
    with pytest.raises(InvalidArgument, match="not a regular file"):
        load_settings()
