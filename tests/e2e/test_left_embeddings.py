# SPDX-License-Identifier: AGPL-3.0-only
"""A client that leaves while embeddings are computed stops the work, over HTTP and gRPC."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest

import models
from http_client import open_post, reset, wait_until
from sentiric_llama.rpc.generated import engine_pb2, engine_pb2_grpc
from server_process import ServerProcess

TEXTS = [f"text {number} " + "word " * 100 for number in range(1000)]
LATER = 30
pytestmark = pytest.mark.both_modes


@pytest.fixture(scope="module")
def encoder() -> Iterator[ServerProcess]:
    server = ServerProcess(models.model("bert-f16"), contexts=2, context_size=512).wait_ready()
    yield server
    server.close()


def embedded(server: ServerProcess) -> int:
    return int(server.get("/v1/stats").json["engine"]["embedded_inputs"])


def check_it_stops(server: ServerProcess, leave: Callable[[], None]) -> None:
    """Inputs of the call that is left and of later ones are computed in turn, so if it went on it
    would count about as many as they do.
    """
    begun = embedded(server)
    assert wait_until(lambda: embedded(server) > begun)
    leave()
    assert wait_until(lambda: not server.get("/v1/stats").json["running"])
    assert server.post("/v1/embeddings", {"input": "a"}).status == 200
    before = embedded(server)
    for _ in range(LATER):
        server.post("/v1/embeddings", {"input": "a"})
    assert before - begun < len(TEXTS)
    assert embedded(server) <= before + LATER + 1


def test_over_http(encoder: ServerProcess) -> None:
    peer = open_post(encoder.port, "/v1/embeddings", {"input": TEXTS})
    check_it_stops(encoder, lambda: reset(peer))


def test_over_grpc(encoder: ServerProcess) -> None:
    with grpc.insecure_channel(encoder.grpc_address) as channel:
        stub = engine_pb2_grpc.EngineServiceStub(channel)
        calls = [stub.Embed.future(engine_pb2.EmbedRequest(texts=TEXTS[:256])) for _ in range(4)]

        def leave() -> None:
            for call in calls:
                call.cancel()

        check_it_stops(encoder, leave)
