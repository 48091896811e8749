# SPDX-License-Identifier: AGPL-3.0-only
"""The rates of a limited key in the headers of its answers, under OpenAI's names."""

from __future__ import annotations

import math

from starlette.types import Message, Send

from sentiric_llama.access.caller import Caller
from sentiric_llama.access.limiter import Limiter
from sentiric_llama.access.limits import REQUESTS, TOKENS

_KINDS = ("limit", "remaining", "reset")
RATE_HEADERS = tuple(f"x-ratelimit-{kind}-{name}" for name in (REQUESTS, TOKENS) for kind in _KINDS)


def telling_rates(send: Send, limiter: Limiter, caller: Caller) -> Send:
    """`send`, which adds what the key has left when the answer starts.

    A stream starts before the tokens of its answer are known: the next answer counts them.
    """

    async def send_with_rates(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_headers(limiter, caller)]
        await send(message)

    return send_with_rates


def _headers(limiter: Limiter, caller: Caller) -> list[tuple[bytes, bytes]]:
    found = []
    for rate in limiter.rates(caller):
        values = (str(rate.limit), str(rate.remaining), duration(rate.reset_s))
        for kind, value in zip(_KINDS, values, strict=True):
            found.append((f"x-ratelimit-{kind}-{rate.name}".encode(), value.encode()))
    return found


def duration(seconds: float) -> str:
    """A time as OpenAI writes it, rounded up: `120ms`, `1s`, `6m0s`, `1h0m0s`."""
    milliseconds = math.ceil(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    whole = math.ceil(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
