# SPDX-License-Identifier: AGPL-3.0-only
"""Keys, their rights and tenants, and what follows for ids, caches and fair shares."""

from __future__ import annotations

import contextlib
import random
import string

import pytest

from sentiric_llama.access.api_key import parse_keys
from sentiric_llama.access.caller import CacheScope, Caller, make_caller, read_tenant
from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.errors import InvalidArgument, PermissionDenied
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.exposure import key_ring

ENTRIES = """
app:user:a
voice:user+realtime:v
acme:user@acme:ka
gateway:user+realtime@acme+globex:kg
proxy:user@*:kp
ops:admin:o
"""
RING = KeyRing(parse_keys(ENTRIES))


def caller(key: str, *tenants: str, ring: KeyRing = RING) -> Caller:
    identity = ring.identify([(b"x-api-key", key.encode())])
    return make_caller(identity, tenants, ring.keeps_apart)


def test_words_of_an_entry() -> None:
    entries = {who.name: who for _, who in parse_keys(ENTRIES)}
    assert entries["voice"].rights == {"realtime"} and entries["voice"].roles == {"user"}
    assert entries["gateway"].tenants == {"acme", "globex"} and entries["proxy"].tenants == {"*"}
    assert entries["app"].tenants == frozenset() and not entries["app"].has("realtime")
    assert entries["ops"].has("realtime")


@pytest.mark.parametrize(
    "text",
    [
        *("app:realtime:k", "app:user+fast:k", "app:user@:k", "app:user@a b:k", "app:user@a/b:k"),
        *("app:user@a+:k", "app:@a:k", "app:user", "app:user:", ":user:k", "a b:user:k"),
    ],
)
def test_malformed_entries(text: str) -> None:
    with pytest.raises(ValueError, match="entry 1 is malformed"):
        parse_keys(text)


def test_the_key_may_hold_any_character() -> None:
    ((key, who),) = parse_keys("app:user@acme:a:b@c+d")
    assert key == "a:b@c+d" and who.tenants == {"acme"}


def test_a_tenant_is_a_label_unless_the_key_is_bound() -> None:
    assert caller("a", "acme").tenant == "" and caller("a", "acme").label == "acme"
    assert caller("ka").tenant == caller("ka", "acme").tenant == "acme"
    assert caller("kg").tenant == "" and caller("kg", "globex").tenant == "globex"
    assert caller("kp").tenant == "" and caller("kp", "any-1").tenant == "any-1"
    for key, tenant in (("ka", "globex"), ("kg", "other")):
        with pytest.raises(PermissionDenied, match="x-tenant-id"):
            caller(key, tenant)


@pytest.mark.parametrize(
    "value", ["a b", "a/b", "a\n", "ü", "x" * 65, 'Some("a b")', 'Some("")', "a,b", "../a", "a\0"]
)
def test_a_malformed_tenant_is_refused(value: str) -> None:
    if value == "a\n":
        assert read_tenant([value]) == "a"  # white space around it is not part of it
        return
    with pytest.raises(InvalidArgument, match="x-tenant-id"):
        read_tenant([value])


def test_tenants_that_are_accepted() -> None:
    assert read_tenant([]) == read_tenant([""]) == read_tenant([" "]) == ""
    assert read_tenant(['Some("acme")']) == read_tenant([" acme "]) == "acme"
    assert read_tenant(["acme", "acme"]) == "acme"
    with pytest.raises(InvalidArgument):
        read_tenant(["acme", "globex"])


def test_random_tenants_are_ids_or_refused() -> None:
    rng = random.Random(3)
    alphabet = string.printable + 'üß\x00\x1b\x85 Some(")-_'
    good = set(string.ascii_letters + string.digits + "_-")
    for _ in range(2000):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 70)))
        with contextlib.suppress(InvalidArgument):
            tenant = read_tenant([text])
            assert set(tenant) <= good and len(tenant) <= 64


SCOPES: list[tuple[CacheScope, str, str, str]] = [
    ("auto", "a", "", "app"),
    ("auto", "a", "acme", "app"),
    ("auto", "v", "", "voice"),
    ("auto", "ka", "", "acme/acme"),
    ("auto", "kg", "", "gateway"),
    ("auto", "kg", "globex", "gateway/globex"),
    ("shared", "kg", "globex", ""),
    ("tenant", "kg", "acme", "tenant/acme"),
    ("tenant", "ka", "", "tenant/acme"),
    ("tenant", "a", "acme", "app"),
]


@pytest.mark.parametrize(("mode", "key", "tenant", "scope"), SCOPES)
def test_cache_scopes(mode: CacheScope, key: str, tenant: str, scope: str) -> None:
    assert caller(key, tenant).cache_scope(mode) == scope


def test_one_key_and_no_key_share() -> None:
    one = key_ring(Settings(api_key="k"))  # type: ignore[arg-type]
    for mode in ("auto", "shared", "tenant"):
        assert caller("k", "acme", ring=one).cache_scope(mode) == ""  # type: ignore[arg-type]
        assert Caller(label="acme").cache_scope(mode) == ""  # type: ignore[arg-type]


def test_scopes_of_different_callers_never_meet() -> None:
    callers = [caller(k, t) for k in ("a", "v", "o", "kp", "kg") for t in ("", "acme", "globex")
               if k in ("kp", "kg") or not t]  # fmt: skip
    scopes = [one.cache_scope("auto") for one in callers]
    assert len(set(scopes)) == len(scopes) and "" not in scopes
    assert all(len(scope.encode()) <= 256 for scope in scopes)


def test_fair_shares_belong_to_keys() -> None:
    assert Caller(label="acme").share == "acme"
    one = key_ring(Settings(api_key="k"))  # type: ignore[arg-type]
    assert caller("k", "acme", ring=one).share == "acme"
    assert {caller("a", f"t{i}").share for i in range(9)} == {"app"}
    assert caller("kg", "acme").share == "gateway/acme"


def test_the_class_realtime_is_granted() -> None:
    for key in ("v", "kg", "o"):
        caller(key).check_priority("realtime")
    for key in ("a", "ka"):
        caller(key).check_priority("normal")
        with pytest.raises(PermissionDenied, match="priority"):
            caller(key).check_priority("realtime")
    one = key_ring(Settings(api_key="k"))  # type: ignore[arg-type]
    with pytest.raises(PermissionDenied, match="realtime"):
        caller("k", ring=one).check_priority("realtime")
    Caller().check_priority("realtime")


def test_two_different_keys_are_nobodys() -> None:
    one, same, other = (b"x-api-key", b"a"), (b"authorization", b"Bearer a"), (b"x-api-key", b"o")
    assert RING.identify([one, same]) == RING.identify([one]) is not None
    for headers in (
        [one, other],
        [other, one],
        [other, same],
        [one, (b"authorization", b"Bearer x")],
    ):
        assert RING.identify(headers) is None


def test_who_sees_whose_calls() -> None:
    assert Caller().sees("") and not Caller().sees("app")
    assert caller("a").sees("app") and not caller("a").sees("voice")
    assert caller("o").sees("app")
