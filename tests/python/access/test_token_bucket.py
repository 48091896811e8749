# SPDX-License-Identifier: AGPL-3.0-only
"""A bucket that fills up steadily and may be overdrawn."""

from __future__ import annotations

import random

import pytest

from sentiric_llama.access.token_bucket import TokenBucket


def test_it_is_full_at_first_and_never_more() -> None:
    bucket = TokenBucket(60, 0.0)
    assert bucket.level(0.0) == bucket.level(1e6) == 60


def test_what_is_taken_comes_back_evenly() -> None:
    bucket = TokenBucket(60, 0.0)
    bucket.take(60, 0.0)
    assert bucket.level(0.0) == 0 and bucket.wait_s(1, 0.0) == pytest.approx(1.0)
    assert bucket.level(1.5) == pytest.approx(1.5)
    assert bucket.full_s(1.5) == pytest.approx(58.5)


def test_a_debt_is_paid_back() -> None:
    bucket = TokenBucket(60, 0.0)
    bucket.take(180, 0.0)
    assert bucket.level(0.0) == -120
    assert bucket.wait_s(0, 0.0) == pytest.approx(120.0)
    assert bucket.level(120.0) == pytest.approx(0.0)


def test_waiting_as_long_as_it_says_is_enough() -> None:
    rng = random.Random(5)
    for _ in range(2000):
        bucket = TokenBucket(rng.randint(1, 10**6), now := rng.uniform(0, 1e7))
        bucket.take(rng.uniform(0, 3e6), now)
        wanted = rng.randint(0, min(bucket.per_minute, 1000))
        assert bucket.wait_s(wanted, now + bucket.wait_s(wanted, now)) == pytest.approx(0, abs=1e-6)


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(60, 100.0)
    bucket.take(60, 100.0)
    assert bucket.level(50.0) == bucket.level(100.0) == 0
    assert bucket.level(101.0) == pytest.approx(1.0)


def test_another_rate_forgives_nothing() -> None:
    bucket = TokenBucket(60, 0.0)
    bucket.take(50, 0.0)
    bucket.resize(100, 0.0)
    assert bucket.level(0.0) == 50
    bucket.resize(10, 0.0)
    assert bucket.level(0.0) == -40
