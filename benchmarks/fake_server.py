# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m benchmarks.fake_server PORT`: our whole HTTP side over an engine that only writes."""

from __future__ import annotations

import sys

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.server import serve
from sentiric_llama.settings.load import load_settings
from sentiric_llama.types import EngineConfig

STREAMS = 16
TEXT = "x" * 1_000_000
"""One character a token; `max_tokens` cuts it."""


async def open_fake(_config: EngineConfig) -> AsyncEngineProtocol:
    return FakeEngine(TEXT, contexts=STREAMS)


if __name__ == "__main__":
    settings = load_settings(
        http_port=sys.argv[1], grpc_port=0, model_id="guide", log_level="error"
    )
    sys.exit(serve.run(settings, open_fake))
