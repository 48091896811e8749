# SPDX-License-Identifier: AGPL-3.0-only
"""python -m clients.served LOG [--model FILE]: prints the address, ends when its input does.

`LOG.http` gets requests and answers, `LOG.engine` what the engine was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from clients.served.engines import open_engine
from clients.served.recorder import Recorder
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.server import listening, servers
from sentiric_llama.service.models.loader import Loader
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.layers import Given
from sentiric_llama.settings.profiles import Profiles
from sentiric_llama.types import EngineConfig

NAME = "scripted"


async def main(args: argparse.Namespace) -> None:
    settings = Settings()
    listener = listening.bind("127.0.0.1", 0)
    service = LlamaService(settings)
    engine = await open_engine(Path(f"{args.log}.engine"), args.model, args.context_size)
    service.attach(engine, ServedModel(NAME, created=1, answers_to_all=True))

    async def same(_config: EngineConfig) -> AsyncEngineProtocol:
        return engine

    nowhere = Profiles({"profiles_path": Given("/nowhere", "profiles_path", "test")})
    switcher = Switcher(service, Loader(same), nowhere)
    config = servers.http_config(settings, service, None, switcher)
    config.app = Recorder(config.app, Path(f"{args.log}.http"))
    server = servers.make_http_server(config, service)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = server.force_exit = True
    await running
    await engine.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("log")
    parser.add_argument("--model", default="")
    parser.add_argument("--context-size", type=int, default=32_768)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
