# SPDX-License-Identifier: AGPL-3.0-only
"""The seams that later work stands on: the engine behind messages, models by name, one request."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request as HttpRequest

from loopback_engine import LoopbackEngine, planned
from native_block import is_without_engine
from sentiric_llama.engine import messages as m
from sentiric_llama.engine.fake import FAKE_INFO, FakeEngine
from sentiric_llama.engine.memory.plan import DevicePlan, MemoryPlan
from sentiric_llama.engine.protocol import AsyncEngineProtocol
from sentiric_llama.errors import (
    ERROR_CLASSES,
    InvalidArgument,
    ModelNotFound,
    Overloaded,
    Unavailable,
)
from sentiric_llama.http.openai import parse_chat as parse_http
from sentiric_llama.http.routes.health import ModelEndpoints
from sentiric_llama.metrics.collector import make_registry
from sentiric_llama.rpc.generated import engine_pb2, llama_pb2
from sentiric_llama.rpc.parse import parse_chat as parse_rpc
from sentiric_llama.rpc.parse import parse_generate
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.slot import LoadedModel, ServedModel
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import (
    ChosenLogprob,
    Delta,
    Device,
    EngineConfig,
    Final,
    Grammar,
    Message,
    Request,
    SamplingParams,
    Timings,
    TokenLogprob,
    Tool,
    ToolCall,
    TruncationReport,
    Usage,
)

CALL = ChatCall(messages=(Message("user", "Merhaba dünya"),))


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await body()

    asyncio.run(bounded())


# (a) The native engine is below `engine` only


def why_it_cannot_be_imported() -> str:
    with pytest.raises(ImportError) as caught:
        from sentiric_llama import _core  # noqa: F401
    return str(caught.value)


@pytest.fixture(scope="module")
def refusal_of_a_module_fixture() -> str:
    return why_it_cannot_be_imported()


def test_the_native_engine_is_blocked_for_the_rooms_above(refusal_of_a_module_fixture: str) -> None:
    """It is not merely absent: the block itself refuses it, in fixtures of modules as in tests."""
    blocked = "import of sentiric_llama._core halted"
    assert blocked in why_it_cannot_be_imported()
    assert blocked in refusal_of_a_module_fixture


def test_no_test_is_skipped_by_the_block() -> None:
    """Where the engine is blocked, a test that asks for it must be marked as native."""
    files = [path for path in Path(__file__).parent.rglob("*.py") if is_without_engine(path)]
    assert len(files) > 30
    skipped = [f"{path.name}: {name}" for path in files for name in asking_for_the_engine(path)]
    assert not skipped


def asking_for_the_engine(path: Path) -> Iterator[str]:
    """Functions that skip without the native engine and are not marked as native."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            text = "\n".join(map(ast.unparse, [*node.decorator_list, *node.body]))
            if "importorskip('sentiric_llama._core')" in text and ".native" not in text:
                yield node.name


# (b) The engine protocol is made of messages

CALLS = (ToolCall("call_1", "look", '{"where": "ığ"}'), ToolCall("call_2", "wait", "{}"))
TALK = (
    Message("user", "ığ\u2028\x00", name="ayşe"),
    Message("assistant", "", "hmm", CALLS),
    Message("tool", "nothing", tool_call_id="call_1", name="look"),
    Message("assistant", "I see"),
)
TOOLS = (Tool("look", "Looks.", '{"type": "object"}'), Tool("wait"))
REQUEST = Request(
    messages=TALK,
    tools=TOOLS,
    template_arguments='{"enable_thinking": true}',
    continues=True,
    sampling=SamplingParams(seed=2**63 + 1, logit_bias={3: -1.5}, top_logprobs=2),
    grammar=Grammar("gbnf", 'root ::= "x"'),
    stop=("a",),
    prompt_logprobs=2,
    adapters=(("x", 0.5),),
)
LOGPROB = TokenLogprob(1, b"\xff\x00", float("-inf"))
DELTA = Delta(
    text="ş",
    tokens=(1, 2),
    logprobs=(ChosenLogprob(LOGPROB, (LOGPROB,)),),
    truncation=TruncationReport(1, 2, 3),
    prompt_logprobs=(ChosenLogprob(LOGPROB),),
    final=Final("stop", Usage(1, 2, 3), Timings(ttft_ms=0.1), "a"),
)
GPU = Device("CUDA0", "X 1", "gpu", 40, 100)
QUESTIONS = (
    *(m.Render, m.TokenizeChat, m.DescribeChat, m.Tokenize, m.Detokenize, m.Embed),
    *(m.Open, m.PlanMemory, m.ListDevices),
)
CONTROL = {"submit", "grant", "cancel", "leave", "ping", "close", "confine"}
"""The kinds of commands that no caller of a service asks for by themselves."""
PLAN = MemoryPlan(1, 2, 3, (DevicePlan("host", 1, 2, 3, 4, 5),))
COMMANDS = (
    m.Submit(1, REQUEST, 256),
    m.Grant(1, 128),
    m.Cancel(1),
    m.Render(2, (Message("user", "x"),), (), "", False, False),
    m.Render(2, TALK, TOOLS, '{"enable_thinking": false}', True, True),
    m.TokenizeChat(2, TALK, TOOLS, "{}", True, False),
    m.DescribeChat(2, REQUEST),
    m.Tokenize(3, "x", True, True),
    m.Detokenize(4, b"\x01\x00\x00\x00", True, True),
    m.Embed(5, ("a", "b")),
    m.Leave(5),
    m.Open(6, EngineConfig("m.gguf")),
    m.Ping(9),
    m.Confine(10, ("/a",), ("/b",), True),
    m.Close(),
    m.PlanMemory(7, EngineConfig("m.gguf", tenant_weights=(("a", 2.0),))),
    m.ListDevices(8),
)
MESSAGES = (
    m.Loading(0.5),
    m.Step(((1, DELTA),), ((2, m.Failure("numeric", "decode", "NaN")),)),
    m.Answer(5, info=FAKE_INFO, protections=(("seccomp", True, "seccomp: on"),)),
    m.Answer(1, text="x"),
    m.Answer(2, rows=(2, b"\xff\xfe")),
    m.Answer(3, plan=PLAN, devices=(Device("a", "b", "gpu", 1, 2),)),
    m.Answer(4, failure=m.Failure("overloaded", "queue", "full", 1500)),
)  # fmt: skip


def kind_of(command: Any) -> str:
    """The kind of a class of commands."""
    kind: str = command.__dataclass_fields__["kind"].default
    return kind


def plain(value: Any) -> Any:
    """Equal for lists and tuples of the same."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.kind)
def test_commands_leave_the_process_and_come_back(command: Any) -> None:
    assert plain(m.decode_command(m.encode_command(command))) == plain(command)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.kind)
def test_messages_of_the_engine_leave_its_process(message: Any) -> None:
    assert plain(m.decode_message(m.encode_message(message))) == plain(message)


def test_every_command_is_tried_here() -> None:
    kinds = set(map(kind_of, m.Command.__args__[0].__args__))
    assert kinds == {command.kind for command in COMMANDS}
    assert kinds == CONTROL | set(map(kind_of, QUESTIONS))


def test_errors_keep_their_class() -> None:
    for kind in ERROR_CLASSES.values():
        error = m.Failure.of(kind("what", where="here")).as_error()
        assert type(error) is kind and (error.what, error.where) == ("what", "here")
    busy = Overloaded("full", where="queue")
    busy.retry_ms = 700
    assert m.Failure.of(busy).as_error().retry_ms == 700


def test_what_is_no_message_is_refused() -> None:
    for data in (b"", b"{}", b'{"kind":"submit"}', b'{"kind":"reboot"}', b"\xff"):
        with pytest.raises(ValueError, match="valid"):
            m.decode_command(data)


def test_a_service_works_over_an_engine_behind_messages() -> None:
    """Chat, cancel, credit, tokens, vectors and failures, all of it as bytes."""

    async def body() -> None:
        fake = FakeEngine()
        engine: AsyncEngineProtocol = (loopback := await LoopbackEngine.open(fake))
        service = LlamaService(Settings())
        service.attach(engine, ServedModel("m"))
        result = await service.chat(dataclasses.replace(CALL, n=2))
        assert [choice.text for choice in result.choices] == ["You said: Merhaba dünya"] * 2
        fake.reply = lambda _request: "x" * 5000  # more than a window
        long = await service.chat(dataclasses.replace(CALL, max_tokens=2000))
        assert len(long.choices[0].text) == 2000
        assert loopback.server.kinds().count("grant") >= 10
        stream = service.stream_chat(dataclasses.replace(CALL, max_tokens=4000))
        await anext(stream)
        await stream.aclose()
        assert loopback.server.kinds()[-1] == "cancel"
        tokens = await service.tokenize("şey")
        assert await service.detokenize(tokens) == "şey"
        assert (await service.tokenize_to_pieces("ş"))[1] == {ord("ş"): "ş".encode()}
        rows, name = await service.embed(["a", "b"])
        assert (rows.shape, name) == ((2, 8), "m")
        assert await engine.render_chat(CALL.messages) == "<user>Merhaba dünya"
        assert len(await engine.tokenize_chat(CALL.messages)) == 13
        assert await engine.adapters() == []
        fake.fail = InvalidArgument("no", where="grammar")
        with pytest.raises(InvalidArgument) as caught:
            await service.chat(CALL)
        assert (caught.value.where, caught.value.what) == ("grammar", "no")

    run(body)


class OptionsEngine(FakeEngine):
    """Notes with which options it is called."""

    def __init__(self) -> None:
        super().__init__(devices=[GPU])
        self.options: list[Any] = []

    async def tokenize_to_array(self, text: str, **options: Any) -> Any:
        self.options.append(options)
        return await super().tokenize_to_array(text, **options)

    async def detokenize(self, tokens: Any, **options: Any) -> str:
        self.options.append(options)
        return await super().detokenize(tokens, **options)

    async def render_chat(self, messages: Any, **options: Any) -> str:
        self.options.append(options)
        return await super().render_chat(messages, **options)

    async def tokenize_chat(self, messages: Any, **options: Any) -> list[int]:
        self.options.append(options)
        return await super().tokenize_chat(messages, **options)


def test_options_plans_and_devices_cross_the_messages() -> None:
    async def body() -> None:
        fake = OptionsEngine()
        engine = await LoopbackEngine.open(fake)
        await engine.tokenize_to_array("x", add_special=True, parse_special=True)
        await engine.tokenize_to_array("x")
        await engine.detokenize([1], show_special=True)
        given: Any = {"tools": TOOLS, "template_arguments": "{}", "continues": True}
        await engine.render_chat(TALK, **given, add_generation_prompt=False)
        await engine.tokenize_chat(TALK, **given, add_generation_prompt=False)
        assert fake.options == [
            {"add_special": True, "parse_special": True},
            {"add_special": False, "parse_special": False},
            {"show_special": True},
            {**given, "add_generation_prompt": False},
            {**given, "add_generation_prompt": False},
        ]
        config = EngineConfig("m.gguf", contexts=3)
        assert await engine.plan(config) == planned(config)
        assert await asyncio.to_thread(engine.devices) == [GPU]
        shown = await engine.describe_chat(Request(messages=TALK[:1]))
        assert shown.message_begins == (shown.text.index(TALK[0].content),)
        assert list(shown.tokens) == list(map(ord, TALK[0].content))
        kinds = {kind_of(question) for question in QUESTIONS}
        await engine.token_bytes([1])
        await engine.embed(["a"])
        await engine.adapters()
        assert set(engine.server.kinds()) == kinds, "a question that no test asks"
        await fake.close()
        with pytest.raises(Unavailable, match="the engine is closed"):
            await engine.tokenize_to_array("x")

    run(body)


# (c) Models stand in a registry by name


def test_two_models_by_name() -> None:
    async def body() -> None:
        service = LlamaService(Settings())
        settings = Settings()
        service.attach(FakeEngine("from one"), ServedModel("one", ("first",)))
        two = LoadedModel(FakeEngine("from two"), ServedModel("two"), settings)
        service.models.put(two, slot="second")
        for name, text in {"": "one", "default": "one", "first": "one", "two": "two"}.items():
            result = await service.chat(dataclasses.replace(CALL, model=name))
            assert result.choices[0].text == f"from {text}" and result.model == text
        with pytest.raises(ModelNotFound, match="available: default, one, first, two"):
            await service.chat(dataclasses.replace(CALL, model="three"))
        families = {family.name: family for family in make_registry(service).collect()}
        ended = families["llm_requests"].samples
        counts = {sample.labels["model"]: 0.0 for sample in ended}
        for sample in ended:
            counts[sample.labels["model"]] += sample.value
        assert (counts["one"], counts["two"]) == (3, 1)
        sizes = families["llm_model_size_bytes"].samples
        assert {sample.labels["model"] for sample in sizes} == {"one", "two"}
        assert service.models.names() == ["one", "two"]
        endpoints = ModelEndpoints(service)
        listed = json.loads((await endpoints.list(HttpRequest({"type": "http"}))).body)["data"]
        assert [model["id"] for model in listed] == ["one", "two"]
        for name, model in {"first": "one", "two": "two", "default": "one"}.items():
            scope = {"type": "http", "path_params": {"name": name}}
            found = json.loads((await endpoints.get(HttpRequest(scope))).body)
            assert found["id"] == model
        await service.close()

    run(body)


# (d) Every dialect translates into one request


def test_every_dialect_makes_the_same_request() -> None:
    schema = {"type": "object"}
    body = {
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.5,
        "seed": 7,
        "max_tokens": 9,
        "stop": ["a"],
        "json_schema": schema,
        "rag_context": "facts",
        "priority": "batch",
        "n": 2,
    }
    over_http = parse_http(json.loads(json.dumps(body))).call
    message = engine_pb2.ChatRequest(
        messages=[engine_pb2.ChatMessage(role="user", content="hello")],
        sampling=engine_pb2.Sampling(temperature=0.5, seed=7),
        max_tokens=9,
        stop=["a"],
        json_schema=json.dumps(schema, separators=(",", ":")),
        rag_context="facts",
        priority=engine_pb2.PRIORITY_BATCH,
        n=2,
    )
    assert parse_rpc(message, None) == over_http
    assert isinstance(over_http, ChatCall)
    contract = llama_pb2.GenerateStreamRequest(user_prompt="hello")
    assert parse_generate(contract, None).messages == over_http.messages
