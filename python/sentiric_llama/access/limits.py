# SPDX-License-Identifier: AGPL-3.0-only
"""The limits of one key, and what of them is used up."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sentiric_llama.access.token_bucket import TokenBucket
from sentiric_llama.errors import RateLimitExceeded

REQUESTS, TOKENS, CONCURRENCY = "requests", "tokens", "concurrency"
"""What a limit is on, as metrics and headers name it."""


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """0 is no limit."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    """Of prompts and answers together."""
    concurrency: int = 0
    """Calls that run or wait at the same time."""

    @property
    def are_set(self) -> bool:
        """True if there is any limit."""
        return self != NO_LIMITS


NO_LIMITS = KeyLimits()


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate of a key as its caller sees it, in whole requests or tokens.

    `reset_s` is the time until all of it is there again.
    """

    name: str
    limit: int
    remaining: int
    reset_s: float


class LimitReached(RateLimitExceeded):
    """A refusal that knows which limit it was."""

    def __init__(self, what: str, *, limit: str = "", retry_s: float = 0.0) -> None:
        super().__init__(what, where="key")
        self.limit = limit
        self.retry_ms = math.ceil(retry_s * 1000 - 1e-6)


class KeyUse:
    """What one key has used. Belongs to one event loop; times are monotonic seconds."""

    def __init__(self, name: str, limits: KeyLimits, now: float) -> None:
        self.running = 0
        self._name = name
        self._limits = NO_LIMITS
        self._buckets: dict[str, TokenBucket] = {}
        self.adopt(limits, now)

    def adopt(self, limits: KeyLimits, now: float) -> None:
        """Holds it to these limits from now on, with what it has used already."""
        if limits == self._limits:
            return
        self._limits = limits
        rates = {REQUESTS: limits.requests_per_minute, TOKENS: limits.tokens_per_minute}
        for name, per_minute in rates.items():
            known = self._buckets.get(name)
            if not per_minute:
                self._buckets.pop(name, None)
            elif known is None:
                self._buckets[name] = TokenBucket(per_minute, now)
            else:
                known.resize(per_minute, now)

    def check(self, now: float) -> None:
        """Raises LimitReached if another call may not begin. Uses up nothing."""
        most = self._limits.concurrency
        if most and self.running >= most:
            text = f"got {self.running + 1} calls of the key {self._name} at the same time"
            raise LimitReached(f"{text}, allowed {most}", limit=CONCURRENCY)
        tokens, requests = self._buckets.get(TOKENS), self._buckets.get(REQUESTS)
        if tokens and tokens.level(now) <= 0.0:
            self._refuse(TOKENS, tokens, tokens.wait_s(0.0, now) + 1e-3)  # until above zero
        if requests and (wait_s := requests.wait_s(1.0, now)):
            self._refuse(REQUESTS, requests, wait_s)

    def _refuse(self, name: str, bucket: TokenBucket, wait_s: float) -> None:
        text = f"the key {self._name} has used up its {name}; allowed {bucket.per_minute} a minute"
        raise LimitReached(text, limit=name, retry_s=wait_s)

    def begin(self, now: float) -> None:
        """Counts a call that `check` has let pass."""
        self.running += 1
        self._take(REQUESTS, 1, now)

    def charge(self, tokens: int, now: float) -> None:
        """Counts tokens once they are known; what is not there becomes a debt."""
        self._take(TOKENS, tokens, now)

    def rates(self, now: float) -> list[Rate]:
        """The rates that it has, the debt of tokens as nothing left."""
        return [
            Rate(
                name,
                bucket.per_minute,
                max(math.floor(bucket.level(now) + 1e-9), 0),
                bucket.full_s(now),
            )
            for name, bucket in self._buckets.items()
        ]

    def _take(self, name: str, amount: int, now: float) -> None:
        if bucket := self._buckets.get(name):
            bucket.take(amount, now)
