# SPDX-License-Identifier: AGPL-3.0-only
"""An engine inside a web application: `python examples/async_app.py [MODEL] [PORT]`.

curl -N http://127.0.0.1:8000/answer -d 'Which port does HTTP use?'

Use this when your application needs a model and no second process. For everything else there is
`sentiric-llama serve`, which adds keys, limits, metrics and draining.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sentiric_llama import AsyncEngine, SentiricLlamaError


def make_app(model: str = "guide") -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with await AsyncEngine.from_pretrained(model, contexts=4) as engine:
            app.state.engine = engine
            yield

    return Starlette(
        routes=[Route("/answer", answer, methods=["POST"]), Route("/busy", busy)],
        lifespan=lifespan,
    )


async def answer(request: Request) -> Response:
    question = (await request.body()).decode()
    engine: AsyncEngine = request.app.state.engine
    try:
        engine.check_room()  # refuse before the response starts
    except SentiricLlamaError as error:
        return JSONResponse({"error": str(error)}, error.mapping.http)
    return StreamingResponse(texts(engine, question), media_type="text/plain; charset=utf-8")


async def texts(engine: AsyncEngine, question: str) -> AsyncIterator[str]:
    messages = [{"role": "user", "content": question}]
    # When the client leaves, starlette cancels this task; leaving the block frees the context.
    async with engine.stream_chat(messages, max_tokens=500) as stream:
        async for delta in stream:
            yield delta.text


async def busy(request: Request) -> Response:
    capacity = request.app.state.engine.capacity
    return JSONResponse({"active": capacity.active, "total": capacity.total})


if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "guide"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 8000
    uvicorn.run(make_app(name), host="127.0.0.1", port=port)
