# SPDX-License-Identifier: AGPL-3.0-only
"""Limits of keys, at the bound and over it, on a clock that stands still."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest

from key_files import Clock
from sentiric_llama.access.caller import Caller
from sentiric_llama.access.limiter import Limiter
from sentiric_llama.access.limits import KeyLimits
from sentiric_llama.errors import RateLimitExceeded


def caller(name: str = "app", **limits: int) -> Caller:
    return Caller(owner=name, limits=KeyLimits(**limits))


def call(limiter: Limiter, who: Caller, tokens: int = 0) -> None:
    with limiter.hold(who) as place:
        place.charge(tokens)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> Limiter:
    return Limiter(clock=clock)


def refused(limiter: Limiter, who: Caller) -> RateLimitExceeded:
    with pytest.raises(RateLimitExceeded) as caught, limiter.hold(who):
        pass
    with pytest.raises(RateLimitExceeded):
        limiter.check(who)
    return caught.value


def test_requests_a_minute(limiter: Limiter, clock: Clock) -> None:
    who = caller(requests_per_minute=3)
    for _ in range(3):
        limiter.check(who)
        call(limiter, who)
    error = refused(limiter, who)
    assert "app" in str(error) and "3 a minute" in str(error)
    assert error.retry_ms == 20_000
    clock.now += 19.99
    refused(limiter, who)
    clock.now += 0.01
    call(limiter, who)
    refused(limiter, who)


def test_a_refused_call_uses_up_nothing(limiter: Limiter, clock: Clock) -> None:
    who = caller(requests_per_minute=1, tokens_per_minute=100)
    call(limiter, who, tokens=100)
    for _ in range(50):
        refused(limiter, who)
    clock.now += 60
    call(limiter, who)


def test_tokens_are_a_debt_that_is_paid_back(limiter: Limiter, clock: Clock) -> None:
    who = caller(tokens_per_minute=60)
    call(limiter, who, tokens=59)
    call(limiter, who, tokens=121)  # one is left: it may begin
    error = refused(limiter, who)
    assert error.retry_ms == 120_001 and "tokens" in str(error)
    clock.now += 120
    refused(limiter, who)  # paid back, but nothing is there
    clock.now += 0.001
    call(limiter, who)


def test_calls_at_the_same_time(limiter: Limiter) -> None:
    who = caller(concurrency=2)
    with limiter.hold(who):
        with limiter.hold(who):
            error = refused(limiter, who)
            assert "got 3 calls" in str(error) and "allowed 2" in str(error)
        call(limiter, who)
    call(limiter, who)


def test_a_place_may_be_left_before_the_end(limiter: Limiter) -> None:
    who = caller(concurrency=1, tokens_per_minute=100)
    with limiter.hold(who) as place:
        place.charge(10)
        place.charge(15)  # in all
        place.leave()
        place.leave()
        call(limiter, who)
    call(limiter, who)
    (tokens,) = limiter.rates(who)
    assert tokens.remaining == 85


def test_a_call_that_fails_frees_its_place(limiter: Limiter) -> None:
    who = caller(concurrency=1)
    for _ in range(5):
        with contextlib.suppress(ValueError), limiter.hold(who):
            raise ValueError
    call(limiter, who)


def test_a_call_over_the_rate_takes_no_place(limiter: Limiter, clock: Clock) -> None:
    who = caller(concurrency=1, requests_per_minute=1)
    call(limiter, who)
    for _ in range(3):
        refused(limiter, who)
    clock.now += 60
    call(limiter, who)


def test_keys_do_not_share_their_limits(limiter: Limiter) -> None:
    one, other = caller("one", requests_per_minute=1), caller("other", requests_per_minute=1)
    call(limiter, one)
    call(limiter, other)
    refused(limiter, one)


def test_without_limits_nothing_is_kept(limiter: Limiter) -> None:
    for who in (Caller(), caller("app")):
        for _ in range(100):
            call(limiter, who, tokens=10**9)
        assert limiter.rates(who) == []
    assert not limiter._uses


def test_what_is_left(limiter: Limiter, clock: Clock) -> None:
    who = caller(requests_per_minute=60, tokens_per_minute=600)
    call(limiter, who, tokens=700)
    requests, tokens = limiter.rates(who)
    assert (requests.name, requests.limit, requests.remaining) == ("requests", 60, 59)
    assert requests.reset_s == pytest.approx(1.0)
    assert (tokens.name, tokens.limit, tokens.remaining) == ("tokens", 600, 0)
    assert tokens.reset_s == pytest.approx(70.0)
    clock.now += 70
    assert [rate.remaining for rate in limiter.rates(who)] == [60, 600]
    assert limiter.rates(caller("one", concurrency=3)) == []


def test_other_limits_after_a_reload(limiter: Limiter) -> None:
    call(limiter, caller(requests_per_minute=2))
    call(limiter, caller(requests_per_minute=2))
    call(limiter, caller(requests_per_minute=3))  # one more, not three
    refused(limiter, caller(requests_per_minute=3))
    call(limiter, caller(concurrency=1))  # without a rate
    assert limiter.rates(caller(concurrency=1)) == []


def test_revoked_keys_are_forgotten(limiter: Limiter) -> None:
    who = caller(requests_per_minute=1, concurrency=1)
    with limiter.hold(who) as place:
        limiter.keep({"other"})
        place.charge(5)  # nobody's any more
        assert not limiter._uses
    assert not limiter._uses


def test_refusals_are_told_by_name_and_limit(clock: Clock) -> None:
    counted: Counter[tuple[str, str]] = Counter()

    def note(name: str, limit: str) -> None:
        counted[name, limit] += 1

    limiter = Limiter(note, clock)
    requests, tokens = caller("r", requests_per_minute=1), caller("t", tokens_per_minute=1)
    call(limiter, requests)
    call(limiter, tokens, tokens=1)
    for who in (requests, tokens):
        with pytest.raises(RateLimitExceeded):
            limiter.check(who)
    with limiter.hold(one := caller("c", concurrency=1)), pytest.raises(RateLimitExceeded):
        limiter.check(one)
    assert counted == {("r", "requests"): 1, ("t", "tokens"): 1, ("c", "concurrency"): 1}
