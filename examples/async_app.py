# SPDX-License-Identifier: AGPL-3.0-only
"""Run an engine inside a web application.

curl -N http://127.0.0.1:8000/answer -d 'Which port does HTTP use?'

Use this when your application needs a model and no second process. For everything else there is
`sentiric-llama serve`, which adds keys, limits, metrics and draining.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sentiric_llama import AsyncEngine, SentiricLlamaError


async def main(model: str = "guide", port: int = 8000) -> None:
    # Opened before the server listens, so that a wrong model is an error of this program.
    async with await AsyncEngine.from_pretrained(model, contexts=4) as engine:
        config = uvicorn.Config(make_app(engine), host="127.0.0.1", port=port)
        await uvicorn.Server(config).serve()


def make_app(engine: AsyncEngine) -> Starlette:
    app = Starlette(routes=[Route("/answer", answer, methods=["POST"]), Route("/busy", busy)])
    app.state.engine = engine
    return app


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="guide", help="a path or org/repo[:QUANT]")
    parser.add_argument("port", nargs="?", type=int, default=8000)
    try:
        asyncio.run(main(**vars(parser.parse_args())))
    except SentiricLlamaError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # uvicorn has stopped serving
        pass
