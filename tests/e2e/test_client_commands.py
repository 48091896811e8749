# SPDX-License-Identifier: AGPL-3.0-only
"""`generate`, `tokenize`, `embed`, `health`, `wait`, `ps`, `profile`, `switch` on real servers."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import models
from command_runs import NOWHERE, Open, Run
from server_process import environment
from terminal_process import CTRL_C

# One answer


def test_only_the_answer_is_on_standard_output(guide: Any, run: Run) -> None:
    done = run("generate", "--url", guide.url, "Which port does HTTP use?", "--temperature", "0")
    assert "16070" in done.stdout and done.stderr == ""
    stats = run("generate", "--url", guide.url, "--stats", "--temperature=0", "-", stdin="Who?")
    assert " tok · " in stats.stderr and "TTFT" in stats.stderr


def test_an_answer_for_programs(guide: Any, run: Run, tmp_path: Path) -> None:
    words = ("generate", "--url", guide.url, "--temperature", "0", "--json", "-n", "5")
    answer = json.loads(run(*words, "Which port?").stdout)
    assert answer["usage"]["completion_tokens"] == 5 and answer["timings"]["predicted_n"] == 5
    assert answer["choices"][0]["finish_reason"] == "length"
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"n": {"const": 7}}, "required": ["n"],'
                      ' "additionalProperties": false}')  # fmt: skip
    shaped = run("generate", "--url", guide.url, "--schema", str(schema), "-f", str(schema), "x")
    assert json.loads(shaped.stdout) == {"n": 7}


@pytest.mark.parametrize("place", ["http", "grpc", "here"])
def test_an_answer_that_is_constrained(guide: Any, run: Run, place: str) -> None:
    """Over every client: the constraint holds, and an answer that is cut off says so."""
    where = {
        "http": ("--url", guide.url),
        "grpc": (*NOWHERE, "--grpc-endpoint", guide.grpc_address),
        "here": ("-m", "guide", "--compute-threads", "1"),
    }[place]
    words = ("generate", *where, "Which port?")
    assert run(*words, "--regex", "[ab]{4}").stdout.strip("ab") == "\n"
    assert run(*words, "--choice", "evet", "--choice", "hayır").stdout in ("evet\n", "hayır\n")
    cut = run(*words, "--regex", "[ab]{90}", "-n", "2", code=1)
    assert "unfinished: raise --max-tokens" in cut.stderr and cut.stdout.strip("ab") == "\n"
    told = json.loads(run(*words, "--regex", "[ab]{90}", "-n", "2", "--json", code=1).stdout)
    assert told["choices"][0]["unfinished"] is True
    whole = json.loads(run(*words, "--choice", "evet", "--json").stdout)
    assert "unfinished" not in whole["choices"][0]


@pytest.mark.parametrize("place", ["http", "grpc", "here"])
def test_calls_of_tools_for_programs(guide: Any, run: Run, place: str, tmp_path: Path) -> None:
    where = {
        "http": ("--url", guide.url),
        "grpc": (*NOWHERE, "--grpc-endpoint", guide.grpc_address),
        "here": ("-m", "guide", "--compute-threads", "1"),
    }[place]
    schema = {"type": "object", "properties": {"city": {"enum": ["Ankara", "İzmir"]}}}
    schema |= {"required": ["city"], "additionalProperties": False}
    function = {"name": "weather", "description": "Tells it.", "parameters": schema}
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"type": "function", "function": function}]))
    words = ("generate", *where, "Weather?", "--tools", str(tools), "--tool-choice", "weather")
    lines = [json.loads(line) for line in run(*words).stdout.splitlines()]
    assert lines and all(line["name"] == "weather" for line in lines)
    assert all(line["arguments"]["city"] in ("Ankara", "İzmir") for line in lines)
    assert len({line["id"] for line in lines}) == len(lines)
    (choice,) = json.loads(run(*words, "--json").stdout)["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "weather"
    cut = run(*words, "-n", "2", code=1)
    assert cut.stdout == "" or "weather" not in cut.stdout, "nobody may make a call that was cut"


def test_tools_that_are_none(run: Run, tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    for text, told in (("{}", "list"), ("[{}]", "tools[0]"), ("[", "not valid JSON")):
        tools.write_text(text)
        failed = run("generate", "--tools", str(tools), "hi", code=2)
        assert "[--tools]" in failed.stderr and told in failed.stderr
    assert "[--tool-choice]" in run("generate", "--tool-choice", "now", "hi", code=2).stderr


def test_one_constraint_that_says_something(run: Run) -> None:
    assert "[--regex] must not be empty" in run("generate", "--regex", "", "x", code=2).stderr
    both = run("generate", "--regex", "a", "--choice", "b", "x", code=2)
    assert "--regex" in both.stderr


def test_a_server_and_a_model_here_say_the_same(guide: Any, run: Run) -> None:
    words = ("generate", "Who are you?", "--temperature", "0", "--seed", "7", "-n", "60")
    remote = run(*words, "--url", guide.url).stdout
    local = run(*words, "--model", "guide", "--compute-threads", "1").stdout
    assert remote.split()[:4] == local.split()[:4] and len(local) > 20


def test_tokens_and_vectors(guide: Any, run: Run) -> None:
    remote = json.loads(run("tokenize", "--url", guide.url, "Merhaba dünya", "--json").stdout)
    assert "".join(remote["pieces"]) == "Merhaba dünya" and remote["count"] == len(remote["tokens"])
    local = run("tokenize", "-m", "guide", "-", stdin="Merhaba dünya").stdout
    assert local.split() == [str(token) for token in remote["tokens"]]
    vectors = json.loads(run("embed", "-m", "guide", "a", "b", "a", "--json").stdout)
    assert vectors[0] == vectors[2] != vectors[1]
    assert sum(x * x for x in vectors[0]) == pytest.approx(1, abs=1e-3)
    rpc = ("--grpc-endpoint", guide.grpc_address)
    over_rpc = json.loads(run("embed", *NOWHERE, *rpc, "a", "b", "--json").stdout)
    for one, other in zip(over_rpc, vectors, strict=False):
        assert one == pytest.approx(other, abs=1e-4)
    over_http = json.loads(run("embed", "--url", guide.url, "a", "b", "--json").stdout)
    for one, other in zip(over_http, over_rpc, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


class WithoutEmbeddings(BaseHTTPRequestHandler):
    """A server that has no route for embeddings."""

    def do_POST(self) -> None:
        self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """Keeps the output of the tests clean."""


def test_vectors_of_a_server_that_has_none(run: Run) -> None:
    with HTTPServer(("127.0.0.1", 0), WithoutEmbeddings) as server:
        port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = run("embed", "--url", f"http://127.0.0.1:{port}", "a", code=4).stderr
        assert "has no /v1/embeddings: use a local model (-m MODEL)" in told
        address = "--grpc-endpoint HOST:PORT"
        assert address in told, "nobody knows the gRPC port of a server that is named by --url"
        told = run("embed", "a", code=4, http_port=port, grpc_port="16999").stderr
        assert "--grpc-endpoint 127.0.0.1:16999)" in told
        server.shutdown()
    told = run("embed", "--help").stdout
    assert "--grpc-endpoint" in told and "local model (-m)" in told


def test_files_and_input_that_cannot_be_used(guide: Any, run: Run, tmp_path: Path) -> None:
    """The reason is told: not there, not JSON, not UTF-8."""
    bad = tmp_path / "bad.json"
    bad.write_text("{\n,")
    asked = ("generate", "--url", guide.url)
    told = run(*asked, "--schema", "/nope", "hi", code=2).stderr
    assert "/nope: No such file" in told and "JSON" not in told
    assert (
        "bad.json is not valid JSON (line 2)"
        in run(*asked, "--schema", str(bad), "hi", code=2).stderr
    )
    assert "/nope: No such file" in run("bench", "compare", "/nope", "/nope", code=2).stderr
    assert "not valid JSON" in run("bench", "compare", str(bad), str(bad), code=2).stderr
    for content in ("[]", '{"plan": 1}', '{"plan": {}}'):
        bad.write_text(content)
        told = run("bench", "compare", str(bad), str(bad), code=2).stderr
        assert "is not a bench result file" in told, content
    for words in (("generate", "-"), ("tokenize", "-"), ("embed", "-"), ("chat",)):
        done = subprocess.run(
            [sys.executable, "-m", "sentiric_llama", *words, "--url", guide.url],
            env=environment({}), input=b"good\xffbad\n", capture_output=True, timeout=60,
        )  # fmt: skip
        assert b"[standard input] not UTF-8: byte 0xff at offset 4" in done.stderr, done.stderr
        assert done.returncode == 2, words
    done = subprocess.run(
        [sys.executable, "-m", "sentiric_llama", *asked, b"\xff"],
        env=environment({}), capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, b"[PROMPT] not UTF-8" in done.stderr) == (2, True), done.stderr


# How it is


def test_health_and_wait(guide: Any, run: Run, start: Any, tmp_path: Path) -> None:
    assert run("health", "--url", guide.url).stdout == "HEALTHY, 4 of 4 contexts free\n"
    assert json.loads(run("health", "--url", guide.url, "--json").stdout)["model_ready"] is True
    assert run("health", "--ready", "-q", "--url", guide.url).stdout == ""
    assert run("wait", "--url", guide.url).stderr.endswith("ready\n")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    gone = "http://127.0.0.1:9"
    assert "no server answers" in run("health", "--url", gone, code=9).stderr
    late = run("wait", "--url", gone, "--timeout", "0.2", "--every", "0.1", code=6)
    told = late.stderr.splitlines()
    assert late.stdout == "" and told[0] == "not ready yet: unreachable"
    assert told[1].startswith("sentiric-llama: [wait] not ready after 0.2 s: no server answers at")
    assert late.stderr.count(gone) == 1, "said once"
    assert "allowed http" in run("health", "--url", "ftp://x", code=2).stderr


def test_a_key_comes_from_the_variable(start: Any, run: Run) -> None:
    server = start(api_key="s3cret").wait_ready()
    refused = run("generate", "--url", server.url, "hi", code=2)
    assert "LLM_LLAMA_SERVICE_API_KEY" in refused.stderr
    assert run("generate", "--url", server.url, "hi", "-n", "3", api_key="s3cret").stdout.strip()


def test_what_it_does_now(guide: Any, run: Run, open_terminal: Open) -> None:
    shown = run("ps", "--url", guide.url).stdout
    assert "sentiric-guide" in shown and "0/4" in shown
    assert json.loads(run("ps", "--url", guide.url, "--json").stdout)["contexts"]["total"] == 4
    watch = open_terminal("ps", "--watch", "--url", guide.url)
    watch.expect("sentiric-guide")
    watch.expect("sentiric-guide")
    watch.send(CTRL_C)
    assert watch.finish() == 0
    plain = open_terminal("ps", "--watch", "--url", guide.url, term="dumb")
    plain.expect("state: ready")
    plain.expect("state: ready")
    plain.send(CTRL_C)
    assert plain.finish() == 0 and "\x1b" not in plain.raw


# The lines of the seed's documentation, with the address of this server.


@pytest.mark.parametrize(
    "line",
    [
        'generate "Test mesajı" --system-prompt "Kısa cevap ver"',
        "health",
        "wait-for-ready",
        "benchmark --concurrent 5 --requests 10",
        "benchmark --iterations 3 --output report.json",
        "interrupt-test",
    ],
)
def test_the_lines_of_the_seed(tiny: Any, run: Run, line: str, tmp_path: Path) -> None:
    words = shlex.split(line.replace("report.json", str(tmp_path / "report.json")))
    endpoints = ("--http-endpoint", tiny.url.removeprefix("http://"))
    done = run(*words, *endpoints, "--grpc-endpoint", tiny.grpc_address)
    assert done.stdout or words == ["wait-for-ready"]


def test_health_asks_grpc_too(tiny: Any, run: Run) -> None:
    words = ("health", "--url", tiny.url, "--json", "--grpc-endpoint")
    well = json.loads(run(*words, tiny.grpc_address).stdout)
    assert well["grpc"] == "SERVING"
    dead = json.loads(run(*words, "127.0.0.1:1", "--timeout", "2", code=9).stdout)
    assert dead["grpc"] == "UNREACHABLE"


def test_one_answer_over_grpc(guide: Any, run: Run, tmp_path: Path) -> None:
    """Byte for byte what HTTP answers, its shape, its counts and its errors, too."""
    rpc = (*NOWHERE, "--grpc-endpoint", guide.grpc_address)
    asked = ("--temperature", "0", "--system-prompt", "Be brief.", "Which port does HTTP use?")
    assert (
        run("generate", *rpc, *asked).stdout == run("generate", "--url", guide.url, *asked).stdout
    )
    schema = tmp_path / "s.json"
    shape = {"type": "object", "properties": {"a": {"enum": [7]}}, "required": ["a"]}
    schema.write_text(json.dumps(shape | {"additionalProperties": False}))
    shaped = ("--schema", str(schema), "--seed", "7", "--top-k", "9", "--top-p", "0.9")
    found = json.loads(run("generate", *rpc, *shaped, "--json", "number").stdout)
    assert json.loads(found["choices"][0]["message"]["content"])["a"] == 7
    cut = json.loads(run("generate", *rpc, "-n", "3", "--json", "Who are you?").stdout)
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == cut["timings"]["predicted_n"] == 3
    ended = run("generate", *rpc, "--stop", "o", "--json", "Who are you?").stdout
    assert "o" not in json.loads(ended)["choices"][0]["message"]["content"]
    assert "[--top-p]" in run("generate", *rpc, "--top-p", "7", "hi", code=2).stderr
    chat = run("chat", *rpc, stdin="Which port does HTTP use?\n")
    assert chat.stdout.strip()


def test_grpc_that_does_not_answer(run: Run) -> None:
    for words in (("generate", "hi"), ("interrupt-test",), ("bench",)):
        done = run(*words, "--grpc-endpoint", "127.0.0.1:9", code=9)
        assert "no server answers at 127.0.0.1:9 over gRPC" in done.stderr, words
    for address in ("nowhere", "http://127.0.0.1:9"):
        done = run("generate", "hi", "--grpc-endpoint", address, code=2)
        assert "allowed host:port" in done.stderr, address


def test_a_key_over_grpc(start: Any, run: Run) -> None:
    server = start(api_key="s3cret").wait_ready()
    words = ("generate", *NOWHERE, "--grpc-endpoint", server.grpc_address, "hi", "-n", "3")
    assert "LLM_LLAMA_SERVICE_API_KEY" in run(*words, code=2).stderr
    assert run(*words, api_key="s3cret").stdout.strip()


def test_a_silent_server_over_grpc(run: Run) -> None:
    """One that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        words = ("generate", "hi", "--grpc-endpoint", address, "--timeout", "1")
        assert "said nothing for 1 s" in run(*words, code=6).stderr


def test_grpc_over_mutual_tls(start: Any, run: Run, tmp_path: Path) -> None:
    paths = json.loads(run("certs", "dev", "--out", str(tmp_path), "--json").stdout)
    chain, key = paths["service-chain.crt"], paths["service.key"]
    server = start(grpc_tls_ca_path=paths["ca.crt"], cert_path=chain, key_path=key).wait_ready()
    asked = ("generate", "-n", "3", "hi", "--grpc-endpoint", server.grpc_address)
    known = ("--cert-file", paths["client.crt"], "--key-file", paths["client.key"])
    assert run(*asked, "--ca-file", paths["ca.crt"], *known).stdout.strip()
    well = ("health", "--url", server.url, "--grpc-endpoint", f"grpcs://{server.grpc_address}")
    assert "SERVING" in run(*well, "--ca-file", paths["ca.crt"], *known).stdout
    run(*asked, "--ca-file", paths["ca.crt"], code=9)
    run(*asked, code=9)
    missing = run(*asked, "--ca-file", str(tmp_path / "none"), code=2)
    assert "cannot read" in missing.stderr


def test_http_over_mutual_tls(start: Any, run: Run, tmp_path: Path) -> None:
    paths = json.loads(run("certs", "dev", "--out", str(tmp_path), "--json").stdout)
    chain, key, ca = paths["service-chain.crt"], paths["service.key"], paths["ca.crt"]
    server = start(tls="mtls", grpc_tls_ca_path=ca, cert_path=chain, key_path=key).wait_ready()
    asked = ("ps", "--url", f"https://127.0.0.1:{server.port}", "--ca-file", ca)
    known = ("--cert-file", paths["client.crt"], "--key-file", paths["client.key"])
    assert "sentiric-guide" in run(*asked, *known).stdout
    run(*asked, code=9)
    missing = run(*asked, "--cert-file", str(tmp_path / "none"), code=2)
    assert f"cannot read {tmp_path / 'none'}" in missing.stderr
    own = {"tls": "mtls", "cert_path": chain, "key_path": key, "http_port": server.port}
    own["api_key"] = "unused"
    for words in (("ps",), ("health",), ("tokenize", "hi"), ("wait", "--timeout", "5")):
        run(*words, **own)  # the server's own certificate is a client's, too


def test_commands_find_the_server_that_a_file_configures(
    start: Any, run: Run, tmp_path: Path
) -> None:
    """The TOML file says port, TLS and keys; no command is told any of it again."""
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("", 0)) as grpc:
        ports = [listener.getsockname()[1] for listener in (http, grpc)]
    config = tmp_path / "server.toml"
    config.write_text(
        f'http_port = {ports[0]}\ngrpc_port = {ports[1]}\ntls = "auto"\n'
        f'tls_dir = "{tmp_path}"\napi_keys = "app:user:hush"\nadmin_key = "root"\n'
    )
    flags = ("--http-port", str(ports[0]), "--grpc-port", str(ports[1]))
    start("--config", str(config), *flags)
    run("wait", "--config", str(config))  # begins before there is a certificate
    rpc = ("--grpc-endpoint", f"127.0.0.1:{ports[1]}")
    for words in (
        ("health",), ("health", *rpc), ("generate", "hi", "-n", "3"), ("ps",), ("tokenize", "hi"),
        ("generate", "hi", "-n", "3", *rpc), ("interrupt-test", "--runs", "1", "--after-ms", "5"),
        ("bench", "--requests", "2", "--output-len", "4", "--warm-up", "0"),
    ):  # fmt: skip
        assert run(*words, "--config", str(config)).stdout, words
    assert run("chat", "--config", str(config), stdin="hi\n").stdout.strip()
    assert "PROFILES_PATH" in run("profile", "list", "--config", str(config), code=2).stderr
    plain = run("health", "--url", f"http://127.0.0.1:{ports[0]}", code=9)
    assert "if it speaks HTTPS, use --url https://" in plain.stderr


def test_waiting_for_both_protocols(tiny: Any, run: Run) -> None:
    words = ("wait", "--url", tiny.url, "--json", "--grpc-endpoint")
    assert json.loads(run(*words, tiny.grpc_address).stdout)["status"] == "ready"
    late = run(*words, "127.0.0.1:9", "--timeout", "0.2", "--every", "0.1", code=6)
    assert "gRPC UNREACHABLE" in late.stderr


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_barge_in_frees_the_context(tiny: Any, run: Run, protocol: str) -> None:
    http, rpc = ("--url", tiny.url), (*NOWHERE, "--grpc-endpoint", tiny.grpc_address)
    words = ("interrupt-test", "--after-ms", "50", "--runs", "3", "--json")
    report = json.loads(run(*words, *(http if protocol == "http" else rpc)).stdout)
    assert report["passed"] and len(report["runs"]) == 3
    for item in report["runs"]:
        assert item["free_ms"] is not None and item["heard_characters"] > 0
        assert item["answer_tokens"] > 0
    assert tiny.is_idle()


# Another model


def test_profiles_and_switch(start: Any, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "profiles.json"
    assert run("profile", "init", "--file", str(path)).stdout == f"{path}\n"
    assert "File exists" in run("profile", "init", "--file", str(path), code=2).stderr
    table = run("profile", "list", "--file", str(path)).stdout.splitlines()
    assert table[1].split("\t") == [
        "gemma3_1b_instruct_q8", "ggml-org/gemma-3-1b-it-GGUF/gemma-3-1b-it-Q8_0.gguf", "fast", "*"
    ]  # fmt: skip
    shown = run("profile", "show", "qwen25_3b_instruct", "--file", str(path)).stdout
    assert "default_max_tokens\t2048" in shown
    assert "there is gemma3" in run("profile", "show", "x", "--file", str(path), code=2).stderr
    small = models.model("small-q8_0")
    found = {"guide": {"model_id": "guide"}, "small": {"model_id": str(small)}}
    path.write_text(json.dumps({"profiles": found | {"bad": {"model_id": "/no/such.gguf"}}}))
    server = start(profiles_path=path, profile="guide", admin_key="s3cret").wait_ready()
    at = ("--url", server.url)
    assert run("profile", "current", *at).stdout == "guide\n"
    listed = json.loads(run("profile", "list", "--json", *at).stdout)
    assert [(row["name"], row["active"]) for row in listed] == [
        ("guide", True), ("small", False), ("bad", False)
    ]  # fmt: skip
    assert "ADMIN_KEY" in run("switch", "small", *at, code=2).stderr
    done = run("switch", "small", *at, admin_key="s3cret")
    assert done.stdout.startswith("switched to small in") and "loading the model" in done.stderr
    assert run("profile", "current", *at).stdout == "small\n"
    failed = run("switch", "bad", *at, "--admin-key", "s3cret", "--json", code=3)
    assert json.loads(failed.stderr)["error"]["code"] == "model_not_found"
    assert (
        "available: bad, guide, small" in run("switch", "x", *at, admin_key="s3cret", code=2).stderr
    )
    secret = tmp_path / "key"
    secret.write_text("s3cret\n")
    words = ("switch", "guide", "--json", "--admin-key-file", str(secret), *at)
    assert json.loads(run(*words).stdout)["active_profile"] == "guide"
    off = start().wait_ready()
    assert "changing the model is off" in run("switch", "x", "--url", off.url, code=2).stderr
    told = run("profile", "current", "--url", off.url, code=2)
    assert told.stdout == "" and "has no profiles" in told.stderr
