# SPDX-License-Identifier: AGPL-3.0-only
"""gRPC with the real engine: the contract's own client, health, drain, cancelled calls."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import contract_client
import grpc_soak
from http_client import wait_until
from sentiric_llama.rpc.generated import llama_pb2, llama_pb2_grpc

pytestmark = pytest.mark.both_modes

STREAMS = 16
LEAK_CALLS = 2000
HISTORY = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello!"}]


def ask_contract(server: Any, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers to requests of the contract's own client."""
    done = subprocess.run(
        [sys.executable, contract_client.__file__, server.grpc_address],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_contract_streams_history_and_rag(guide: Any) -> None:
    """The same conversation over HTTP gives the same text: nothing got lost on the way."""
    question = "Which port does HTTP use?"
    params = {"temperature": 0, "maxNewTokens": 60, "seed": "7", "stopSequences": ["@@"]}
    facts = "The office is closed on Friday."
    plain, historic, documented = ask_contract(
        guide,
        {"userPrompt": question, "params": params},
        {"userPrompt": question, "params": params, "history": HISTORY, "systemPrompt": "Be brief."},
        {"userPrompt": question, "params": params, "ragContext": facts},
    )
    fields = {"temperature": 0, "max_tokens": 60, "seed": 7}
    system = [{"role": "system", "content": "Be brief."}]
    asked = [{"role": "user", "content": question}]
    for answer, messages, extra in (
        (plain, asked, {}),
        (historic, system + HISTORY + asked, {}),
        (documented, asked, {"rag_context": facts}),
    ):
        reply = guide.chat(messages, **fields, **extra)
        assert "".join(answer["pieces"]) == reply.text and len(answer["pieces"]) > 1
        usage = reply.json["usage"]
        assert answer["usage"] == [usage["prompt_tokens"], usage["completion_tokens"]]
        assert answer["finish_reason"] == reply.json["choices"][0]["finish_reason"]
    assert "16070" in "".join(plain["pieces"])
    prompts = [answer["usage"][0] for answer in (plain, historic, documented)]
    assert prompts[0] < min(prompts[1:])


def test_the_contract_and_what_it_does_not_know(guide: Any) -> None:
    unknown, empty, adapter, hot, limited = ask_contract(
        guide,
        {"userPrompt": "hello", "fromTheFuture": "x", "params": {"temperature": 0}},
        {"systemPrompt": "x"},
        {"userPrompt": "hello", "loraAdapterId": "legal_expert"},
        {"userPrompt": "hello", "params": {"temperature": 9}},
        {"userPrompt": "hello", "params": {
            "maxNewTokens": 4, "engineSpecificParams": {"ignore_eos": True, "min_p": 0.2}}},
    )  # fmt: skip
    assert unknown["finish_reason"] == "stop"
    assert empty["error"][0] == "INVALID_ARGUMENT" and not empty["pieces"]
    assert adapter["error"][0] == "NOT_FOUND"
    assert hot["error"][0] == "INVALID_ARGUMENT" and "temperature" in hot["error"][1]
    assert limited["finish_reason"] == "length" and limited["usage"][1] == 4


@pytest.fixture
def own_server(start: Any, tiny_q8_0: Path) -> Any:
    return start(tiny_q8_0, contexts=STREAMS, context_size=512).wait_ready()


def health_of(channel: grpc.Channel) -> int:
    request = health_pb2.HealthCheckRequest(service="sentiric.llm.v1.LlamaService")
    status: int = health_pb2_grpc.HealthStub(channel).Check(request).status
    return status


class Stream(threading.Thread):
    """Reads one answer; `code` and `finish` say how it ended."""

    def __init__(self, stub: Any, tokens: int) -> None:
        super().__init__(daemon=True)
        params = llama_pb2.GenerationParams(max_new_tokens=tokens)
        params.engine_specific_params.update({"ignore_eos": True})
        request = llama_pb2.GenerateStreamRequest(user_prompt="hello", params=params)
        self._call = stub.GenerateStream(request)
        self.messages = 0
        self.finish = ""
        self.start()

    def run(self) -> None:
        try:
            for message in self._call:
                self.messages += 1
                self.finish = message.finish_details.finish_reason
        except grpc.RpcError:
            pass

    @property
    def code(self) -> grpc.StatusCode:
        self.join(60)
        code: grpc.StatusCode = self._call.code()
        return code


def test_term_under_16_streams_lets_all_finish(own_server: Any) -> None:
    with grpc.insecure_channel(own_server.grpc_address) as channel:
        stub = llama_pb2_grpc.LlamaServiceStub(channel)  # type: ignore[no-untyped-call]
        assert health_of(channel) == health_pb2.HealthCheckResponse.SERVING
        streams = [Stream(stub, 150) for _ in range(STREAMS)]
        assert wait_until(lambda: all(stream.messages for stream in streams))
        own_server.signal(signal.SIGTERM)
        own_server.wait_for("SERVICE_DRAINING")
        assert health_of(channel) == health_pb2.HealthCheckResponse.NOT_SERVING
        assert Stream(stub, 1).code is grpc.StatusCode.UNAVAILABLE  # nothing new
        assert {stream.code for stream in streams} == {grpc.StatusCode.OK}
        assert {stream.finish for stream in streams} == {"length"}
    assert own_server.finish() == 0


@pytest.mark.parametrize("second", [False, True], ids=["in time", "second signal"])
def test_forced_streams_get_a_status(start: Any, tiny_q8_0: Path, second: bool) -> None:
    settings = {"drain_timeout_s": 60 if second else 0.2, "request_timeout_ms": 0}
    server = start(tiny_q8_0, contexts=4, context_size=512, **settings).wait_ready()
    with grpc.insecure_channel(server.grpc_address) as channel:
        stub = llama_pb2_grpc.LlamaServiceStub(channel)  # type: ignore[no-untyped-call]
        streams = [Stream(stub, 1_000_000) for _ in range(4)]
        assert wait_until(lambda: all(stream.messages for stream in streams))
        server.signal(signal.SIGTERM)
        server.wait_for("SERVICE_DRAINING")
        if second:
            server.signal(signal.SIGTERM)
        assert {stream.code for stream in streams} == {grpc.StatusCode.UNAVAILABLE}
    assert server.finish() == (130 if second else 0)


def test_the_contract_says_that_a_text_is_unfinished(guide: Any) -> None:
    """In its trailing metadata, as its messages have no field for it."""
    with grpc.insecure_channel(guide.grpc_address) as channel:
        stub = llama_pb2_grpc.LlamaServiceStub(channel)  # type: ignore[no-untyped-call]
        for length, unfinished in ((2, None), (60, "true")):
            params = llama_pb2.GenerationParams(max_new_tokens=5)
            params.engine_specific_params.update({"guided_regex": f"[a]{{{length}}}"})
            call = stub.GenerateStream(
                llama_pb2.GenerateStreamRequest(user_prompt="a", params=params), timeout=60
            )
            text = b"".join(message.token for message in call).decode()
            told = dict(call.trailing_metadata()).get("x-unfinished")
            assert (told, len(text) < length) == (unfinished, bool(unfinished))


@pytest.mark.parametrize("prompt", ["hello", "a long prompt takes several steps " * 150])
def test_deadlines_free_their_contexts(tiny: Any, prompt: str) -> None:
    params = llama_pb2.GenerationParams(max_new_tokens=1_000_000)
    params.engine_specific_params.update({"ignore_eos": True})
    request = llama_pb2.GenerateStreamRequest(user_prompt=prompt, params=params)
    with grpc.insecure_channel(tiny.grpc_address) as channel:
        stub = llama_pb2_grpc.LlamaServiceStub(channel)  # type: ignore[no-untyped-call]
        timeouts = [0.001, 0.01, 0.05, 0.1, 0.2, 0.4] * 4  # more than there are contexts
        calls = [stub.GenerateStream(request, timeout=timeout) for timeout in timeouts]
        assert {call.code() for call in calls} == {grpc.StatusCode.DEADLINE_EXCEEDED}
    assert wait_until(tiny.is_idle)


def test_a_killed_client_frees_its_contexts(tiny: Any) -> None:
    program = (
        "import grpc, sys, time\n"
        "channel = grpc.insecure_channel(sys.argv[1])\n"
        "call = channel.unary_stream('/sentiric.llm.v1.LlamaService/GenerateStream')\n"
        "calls = [call(b'\\x12\\x01x\\x2a\\x04\\x08\\xc0\\x84\\x3d') for _ in range(4)]\n"
        "[next(c) for c in calls]; print('running', flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program, tiny.grpc_address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None and client.stdout.readline() == "running\n"
        client.kill()
    assert wait_until(tiny.is_idle)


def test_cancelled_calls_leave_nothing(tiny_q8_0: Path) -> None:
    before, after, stats = asyncio.run(grpc_soak.soak(LEAK_CALLS, tiny_q8_0, warm_up=400))
    assert grpc_soak.counts(after) == grpc_soak.counts(before)
    assert after.active == after.queued == after.in_flight == 0
    assert after.rss_anon_kib - before.rss_anon_kib <= 8 * 1024
    assert stats.requests_cancelled > LEAK_CALLS // 4
