# SPDX-License-Identifier: AGPL-3.0-only
"""A model for embeddings refuses every way to generate, before anything is queued."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

import models
from sentiric_llama.rpc.generated import engine_pb2, engine_pb2_grpc, llama_pb2, llama_pb2_grpc
from server_process import ServerProcess

USER = [{"role": "user", "content": "hi"}]
WHAT = "it is an encoder, which computes embeddings and generates no text"
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": USER},
    "/v1/completions": {"prompt": "hi"},
    "/v1/responses": {"input": "hi"},
    "/v1/messages": {"messages": USER, "max_tokens": 5},
}


@pytest.fixture(scope="module", params=["process", "inprocess"])
def encoder(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    path = models.model("bert-f16")
    server = ServerProcess(path, contexts=2, context_size=512, isolation=request.param)
    yield server.wait_ready()
    server.close()


def nothing_came_to_the_engine(server: ServerProcess) -> bool:
    stats = server.get("/v1/stats").json["engine"]
    return bool(stats["requests_submitted"] == stats["decode_calls"] == 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", BODIES)
def test_over_http(encoder: ServerProcess, path: str, stream: bool) -> None:
    refused = encoder.post(path, BODIES[path] | {"stream": stream})
    assert refused.status == 501 and refused.headers["x-should-retry"] == "false"
    assert refused.json["error"]["message"] == f"[model] {WHAT}"
    if path != "/v1/messages":
        assert refused.error["type"] == "not_supported_error"
        assert refused.error["code"] == "not_supported"
    assert nothing_came_to_the_engine(encoder)


def test_over_grpc(encoder: ServerProcess) -> None:
    with grpc.insecure_channel(encoder.grpc_address) as channel:
        chat = engine_pb2_grpc.EngineServiceStub(channel).Chat(
            engine_pb2.ChatRequest(messages=[engine_pb2.ChatMessage(role="user", content="hi")])
        )
        text = llama_pb2_grpc.LlamaServiceStub(channel).GenerateStream(
            llama_pb2.GenerateStreamRequest(user_prompt="hi")
        )
        for answer in (chat, text):
            with pytest.raises(grpc.RpcError) as caught:
                list(answer)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
            assert WHAT in caught.value.details()
    assert nothing_came_to_the_engine(encoder)


def test_what_it_can_do(encoder: ServerProcess) -> None:
    """It is ready, and answers what needs no next token."""
    assert encoder.get("/health").json["model_ready"]
    vectors = encoder.post("/v1/embeddings", {"input": ["hi", "there"]}).json["data"]
    assert [len(entry["embedding"]) for entry in vectors] == [64, 64]
    assert encoder.post("/tokenize", {"content": "hi"}).json["tokens"]
    counted = encoder.post("/v1/chat/completions/input_tokens", {"messages": USER})
    assert counted.json["input_tokens"] > 0
    with grpc.insecure_channel(encoder.grpc_address) as channel:
        stub = engine_pb2_grpc.EngineServiceStub(channel)
        rows = stub.Embed(engine_pb2.EmbedRequest(texts=["hi"])).embeddings
    assert len(rows[0].values) == 64
