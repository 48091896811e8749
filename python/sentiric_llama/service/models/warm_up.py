# SPDX-License-Identifier: AGPL-3.0-only
"""Tries a loaded engine by decoding one token before the service is ready."""

from __future__ import annotations

import logging
import time

from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import NotSupported
from sentiric_llama.log.events import event
from sentiric_llama.types import Request

logger = logging.getLogger(__name__)


async def warm_up(engine: AsyncEngineProtocol) -> None:
    """Decodes one token. A model that cannot decode never becomes ready; others are then warm."""
    event(logger, "MODEL_WARMUP_START", "decoding one token")
    started = time.monotonic()
    request = Request(tokens=(max(engine.info.bos, 0),), max_tokens=1)
    try:
        async with engine.submit(request) as deltas:
            async for _ in deltas:
                pass
    except NotSupported as error:  # a model for embeddings does not generate
        event(logger, "MODEL_WARMUP_SKIPPED", str(error), logging.WARNING)
        return
    elapsed = round(1e3 * (time.monotonic() - started), 1)
    event(logger, "MODEL_WARMUP_END", "decoded", elapsed_ms=elapsed)
