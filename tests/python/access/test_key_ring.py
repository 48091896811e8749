# SPDX-License-Identifier: AGPL-3.0-only
"""Who holds a key: those of the settings, and those of a file, which may change."""

from __future__ import annotations

import hashlib

import pytest

from key_files import Clock
from sentiric_llama.access import key_ring
from sentiric_llama.access.api_key import Identity, parse_keys
from sentiric_llama.access.caller import make_caller
from sentiric_llama.access.key_file import MAX_KEYS, FiledKey
from sentiric_llama.access.key_ring import MIN_FILED_LENGTH, KeyRing
from sentiric_llama.access.rights import Access, AccessCheck, Denial
from sentiric_llama.errors import InvalidArgument

KEY = "k" * MIN_FILED_LENGTH


def filed(key: str, name: str = "app", expires_at: float | None = None) -> FiledKey:
    identity = Identity(name, frozenset({"user"}), expires_at=expires_at)
    return FiledKey(hashlib.sha256(key.encode()).digest(), identity)


def name_of(ring: KeyRing, key: str) -> str | None:
    who = ring.identify([(b"x-api-key", key.encode())])
    return who and who.name


def test_keys_of_the_file_are_replaced_as_a_whole() -> None:
    ring = KeyRing(parse_keys("own:user:o"), has_file=True)
    assert name_of(ring, KEY) is None
    ring.put_filed([filed(KEY)])
    assert name_of(ring, KEY) == "app" and name_of(ring, "o") == "own"
    assert ring.names == {"own", "app"}
    ring.put_filed([filed("n" * 40, "new")])
    assert name_of(ring, KEY) is None and name_of(ring, "n" * 40) == "new"


def test_a_short_key_is_nobodys_whatever_its_hash() -> None:
    ring = KeyRing([], has_file=True)
    ring.put_filed([filed(KEY[1:])])
    assert name_of(ring, KEY[1:]) is None


def test_an_expired_key() -> None:
    clock = Clock(100.0)
    ring = KeyRing([], has_file=True, clock=clock)
    ring.put_filed([filed(KEY, expires_at=101.0)])
    check, headers = AccessCheck(ring), [(b"x-api-key", KEY.encode())]
    assert isinstance(check.admit(Access.USER, headers), Identity)
    clock.now = 101.0
    denial = check.admit(Access.USER, headers)
    assert isinstance(denial, Denial) and denial.is_unauthenticated
    assert denial.code == "invalid_api_key" and denial.message == "the API key has expired"


def test_a_file_locks_every_role_whatever_is_in_it() -> None:
    ring = KeyRing([], has_file=True)
    for locked_by, needs in (("user", Access.USER), ("metrics", Access.METRICS)):
        check = AccessCheck(ring, locked_by)  # type: ignore[arg-type]
        for keys in ([], [filed(KEY)], []):
            ring.put_filed(keys)
            assert isinstance(check.admit(needs, []), Denial)


def test_an_admin_of_the_file_may_switch_models() -> None:
    ring = KeyRing([], has_file=True)
    check, headers = AccessCheck(ring), [(b"x-api-key", KEY.encode())]
    assert isinstance(check.admit(Access.ADMIN, headers), Denial)
    digest = hashlib.sha256(KEY.encode()).digest()
    ring.put_filed([FiledKey(digest, Identity("ops", frozenset({"admin"})))])
    assert isinstance(check.admit(Access.ADMIN, headers), Identity)


@pytest.mark.parametrize(
    ("key", "field"), [(filed("x" * 40, "own"), "name"), (filed(KEY, "app"), "hash")]
)
def test_what_the_settings_have_is_refused(key: FiledKey, field: str) -> None:
    ring = KeyRing([(KEY, Identity("own", frozenset({"user"})))], has_file=True)
    ring.put_filed([filed("y" * 40, "before")])
    with pytest.raises(InvalidArgument, match=rf"keys\[1\]\.{field}"):
        ring.put_filed([filed("z" * 40, "after"), key])
    assert name_of(ring, "y" * 40) == "before", "the last good ones stay"


def test_keys_of_a_file_are_kept_apart_even_when_one_is_alone() -> None:
    """Else it could find what another had cached that was revoked."""
    ring = KeyRing([], has_file=True)
    ring.put_filed([filed(KEY)])
    who = ring.identify([(b"x-api-key", KEY.encode())])
    assert make_caller(who, (), ring.keeps_apart).cache_scope("auto") == "app"


def test_keys_are_found_by_a_secret_hash_and_not_compared_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time of a look-up must tell nothing about the keys, nor grow with their number."""
    ring = KeyRing([], has_file=True)
    ring.put_filed([filed(f"{number:040}", f"key-{number}") for number in range(MAX_KEYS)])
    hashed: list[bytes] = []
    blake2b = hashlib.blake2b

    def count(data: bytes, **options: object) -> object:
        hashed.append(data)
        return blake2b(data, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(key_ring.hashlib, "blake2b", count)
    for key in (f"{0:040}", f"{MAX_KEYS - 1:040}", "x" * 40):
        hashed.clear()
        assert name_of(ring, key) == (f"key-{int(key)}" if key.isdigit() else None)
        assert len(hashed) == 1
    digests = {hashlib.sha256(f"{number:040}".encode()).digest() for number in range(3)}
    assert digests.isdisjoint(ring._filed), "the table is not ordered by what can be computed"
    assert ring._filed.keys().isdisjoint(KeyRing([], has_file=True)._filed)


@pytest.mark.parametrize("name", ["api-key", "metrics-key", "admin-key"])
def test_the_names_of_keys_with_settings_of_their_own_are_theirs(name: str) -> None:
    with pytest.raises(ValueError, match=f"other names than {name}"):
        parse_keys(f"{name}:user:{'b' * 40}")
    filed = FiledKey(b"x" * 32, Identity(name, frozenset({"user"})))
    with pytest.raises(InvalidArgument, match=r"keys\[0\].name"):
        KeyRing([], has_file=True).put_filed([filed])
