# SPDX-License-Identifier: AGPL-3.0-only
"""Imports piece by piece, so that the event loop gets its turns and the model goes on loading.

Not on a thread: two threads that import at the same time may see half of a module.
"""

from __future__ import annotations

import asyncio
import importlib

ENGINE = ("sentiric_llama.engine.process.engine",)
"""What starts an engine process and speaks to it."""
HTTP = (
    *("uvicorn", "h11", "starlette.applications", "starlette.middleware.cors"),
    *("sentiric_llama.http.schemas.chat", "sentiric_llama.http.routes.chat"),
    *("sentiric_llama.http.app", "sentiric_llama.server.http_server"),
)
"""What answers over HTTP is made of, in pieces of up to thirty milliseconds."""
GRPC = (
    *("google.protobuf.descriptor_pool", "grpc", "grpc.aio"),
    *("grpc_reflection.v1alpha.reflection", "sentiric_llama.rpc.engine_servicer"),
    "sentiric_llama.rpc.server",
)
METRICS = ("prometheus_client", "sentiric_llama.metrics.collector")

_TURNS = 4
"""From a message of the engine to the answer to it."""


async def import_in_turns(names: tuple[str, ...]) -> None:
    """Imports these modules in this order."""
    for name in names:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        importlib.import_module(name)
