# SPDX-License-Identifier: AGPL-3.0-only
"""The file of keys: what is read, what is refused, and that an error repeats no key."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from key_files import entry, write_keys
from sentiric_llama.access.key_file import MAX_FILE_BYTES, MAX_KEYS, MAX_LISTED, read_key_file
from sentiric_llama.access.limits import KeyLimits
from sentiric_llama.errors import InvalidArgument

CANARY = "sk-canary-0123456789abcdefghijklmnopqrstuv"


def refusal(path: Path) -> str:
    with pytest.raises(InvalidArgument) as caught:
        read_key_file(path)
    assert "[keys]" in str(caught.value) and path.name in str(caught.value)
    return str(caught.value)


def test_every_field(tmp_path: Path) -> None:
    full = entry(
        "app",
        last4="wxyz",
        roles=["user", "metrics"],
        rights=["realtime"],
        models=["one", "two/three:Q4"],
        tenants=["acme", "globex"],
        requests_per_minute=60,
        tokens_per_minute=10**6,
        concurrency=4,
        expires="2030-01-31",
    )
    path = Path(write_keys(tmp_path / "keys.json", full, entry("plain")))
    found, plain = read_key_file(path)
    who = found.identity
    assert (who.name, who.roles, who.rights) == ("app", {"user", "metrics"}, {"realtime"})
    assert who.models == {"one", "two/three:Q4"} and who.tenants == {"acme", "globex"}
    assert who.limits == KeyLimits(60, 10**6, 4) and found.last4 == "wxyz"
    assert who.expires_at == 1896048000.0
    assert plain.identity.limits == KeyLimits() and plain.identity.models == frozenset()
    assert plain.identity.expires_at is None


def test_times_and_stars(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for text in ("2030-01-31T01:00:00+01:00", "2030-01-31T00:00:00Z", "2030-01-31"):
        write_keys(path, entry("app", expires=text, models=["one", "*"], tenants=["*"], rights=[]))
        who = read_key_file(path)[0].identity
        assert who.expires_at == 1896048000.0 and not who.models and who.tenants == {"*"}


BAD: list[tuple[str, Any, str]] = [
    ("name", "a b", "1 to 64"),
    ("name", "x" * 65, "1 to 64"),
    ("name", 7, "got 7"),
    ("hash", CANARY, "sha256:"),
    ("hash", "sha256:" + "A" * 64, "lower case"),
    ("hash", "sha256:" + "0" * 63, "64 hexadecimal"),
    ("hash", None, "must be "),
    ("last4", "12345", "at most 4"),
    ("last4", "a\n", "at most 4"),
    ("roles", [], "user | metrics | admin"),
    ("roles", ["root"], "user | metrics | admin"),
    ("roles", "user", "a list"),
    ("rights", ["fast"], "realtime"),
    ("models", [], "a list of 1"),
    ("models", [""], "names of models"),
    ("models", ["a\x1b"], "names of models"),
    ("models", ["m"] * (MAX_LISTED + 1), "a list of 1"),
    ("tenants", ["a b"], "tenants"),
    ("requests_per_minute", 0, "got 0, allowed 1.."),
    ("requests_per_minute", -1, "leave it out"),
    ("requests_per_minute", True, "must be "),
    ("requests_per_minute", 1.5, "got 1.5"),
    ("tokens_per_minute", 10**12, "allowed 1.."),
    ("tokens_per_minute", "60", "must be "),
    ("concurrency", float("inf"), "got inf"),
    ("expires", "soon", "a date such as"),
    ("expires", "2030-01-31T00:00:00", "its zone"),
    ("expires", 1896048000, "a date such as"),
    ("expires", "9999-99-99", "a date such as"),
]


@pytest.mark.parametrize(("field", "value", "words"), BAD)
def test_a_bad_field_is_named_with_its_place(
    field: str, value: Any, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, entry("good"), entry("app") | {field: value})
    told = refusal(path)
    begins = (f"keys[1].{field}: {word} " in told for word in ("got", "must be"))
    assert any(begins) and words in told
    assert CANARY not in told


def test_a_mistyped_limit_is_not_taken_for_none(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, entry("app", request_per_minute=5))
    assert "did you mean requests_per_minute?" in refusal(path)
    write_keys(path, entry("app") | {CANARY: 1})
    assert "unknown field" in (told := refusal(path)) and CANARY not in told


@pytest.mark.parametrize("field", ["name", "hash", "roles"])
def test_what_an_entry_needs(field: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, {name: value for name, value in entry("app").items() if name != field})
    assert f"keys[0].{field}: is missing" in refusal(path)


def test_names_and_hashes_come_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, entry("a"), entry("b"), entry("c") | {"name": "a"})
    assert "keys[2].name: duplicates keys[0]" in refusal(path)
    write_keys(path, entry("a"), entry("a") | {"name": "b"})
    assert "keys[1].hash: duplicates keys[0]" in refusal(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        (CANARY, "not valid JSON"),
        ('{"keys": [', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"keys": [' + "9" * 5000 + "]}", "not valid JSON"),
        ("[]", "must be {"),
        ("{}", "must be {"),
        ('{"keys": {}}', "must be {"),
        ('{"keys": [], "more": 1}', "must be {"),
        (f'{{"keys": ["{CANARY}"]}}', "keys[0]: must be an object"),
    ],
)
def test_files_of_another_form(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    assert words in (told := refusal(path)) and CANARY not in told


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.json")
    assert "Is a directory" in refusal(tmp_path)
    (tmp_path / "keys.json").write_bytes(b'{"keys": []}\xff')
    assert "not valid JSON" in refusal(tmp_path / "keys.json")
    (tmp_path / "keys.json").write_bytes(b" " * (MAX_FILE_BYTES + 1))
    assert "larger than" in refusal(tmp_path / "keys.json")


def test_as_many_keys_as_are_allowed(tmp_path: Path) -> None:
    limits = {"requests_per_minute": 10**9, "tokens_per_minute": 10**9, "concurrency": 10**6}
    entries = [entry(f"key-{n}", last4="wxyz", **limits) for n in range(MAX_KEYS + 1)]
    path = tmp_path / "keys.json"
    write_keys(path, *entries[:MAX_KEYS])
    path.write_text(json.dumps({"keys": entries[:MAX_KEYS]}, indent=2))  # as `key new` does
    assert len(read_key_file(path)) == MAX_KEYS
    write_keys(path, *entries)
    assert f"got {MAX_KEYS + 1}, allowed at most {MAX_KEYS}" in refusal(path)


def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    rng = random.Random(11)
    path = tmp_path / "keys.json"
    write_keys(path, entry("app", models=["a"], expires="2030-01-31", concurrency=2), entry("b"))
    good = path.read_bytes()
    for _ in range(500):
        raw = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        path.write_bytes(raw)
        with contextlib.suppress(InvalidArgument):
            read_key_file(path)
