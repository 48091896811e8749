# SPDX-License-Identifier: AGPL-3.0-only
"""The HTTP client: event streams as the standard has them, typed troubles, no keys to strangers."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from scripted_server import SSE, Script, ScriptedServer, json_answer, sending
from sentiric_llama.client.chat_client import GenerationOptions, RemoteChatClient
from sentiric_llama.client.server import Server
from sentiric_llama.errors import (
    DeadlineExceeded,
    InternalError,
    InvalidArgument,
    NotSupported,
    Overloaded,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.tls.trust import Trust
from tls_files import Pki

PATH = "/v1/chat/completions"


def client(server: ScriptedServer, **fields: Any) -> Server:
    return Server(**{"url": server.url, "timeout_s": 20.0} | fields)


def events_of(raw: bytes) -> list[dict[str, Any]]:
    with ScriptedServer(sending(SSE, raw)) as server:
        return list(client(server).events(PATH, {}))


def wait_for_hang_up(connection: socket.socket) -> bool:
    """False when it does not come."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


# Streams


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stream_as_the_standard_has_it(end: str) -> None:
    lines = [
        *(": a comment", "", 'data: {"n": 1}', ""),
        *('data:{"n":', 'data: "two\u2028lines ş"}', ""),
        *("event: x", "id: 7", "retry: 10", 'data: {"n": 3}', "unknown: y", ""),
        *("event: without data", "", "data", "", ": keep-alive", ""),
        *("data: [DONE]", "", "data: {", ""),
    ]
    raw = end.join([*lines[:-2], ""]).encode()
    expected = [{"n": 1}, {"n": "two\u2028lines ş"}, {"n": 3}]
    assert events_of(raw) == expected
    with ScriptedServer(sending(SSE, *(bytes([byte]) for byte in raw))) as server:
        assert list(client(server).events(PATH, {})) == expected, "however it is cut into packets"


def test_an_event_counts_when_it_has_ended() -> None:
    assert events_of(b'data: {"n": 1}\n\ndata: {"n": 2}\n') == [{"n": 1}]


def test_an_event_has_a_size_limit() -> None:
    with pytest.raises(InternalError, match=r"no readable event stream.*1048576 byte limit"):
        events_of(b'data: "' + b"x" * 2**20 + b'"\n\n')


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (SSE + b"data: {\n\n", InternalError, "an event that is not valid JSON"),
        (json_answer(b"{}"), InternalError, "no readable event stream.*application/json"),
        (SSE + b'data: {"error": {"code": "overloaded", "message": "m"}}\n\n', Overloaded, "m"),
        (SSE + b'data: {"error": {"status": "?", "message": "m"}}\n\n', InternalError, "m"),
        (json_answer(b"", "404 Not Found"), NotSupported, f"{PATH} of this server: status 404"),
        (json_answer(b"<p>", "503 Busy"), Unavailable, "status 503"),
        (json_answer(b"{}", "401 No"), InvalidArgument, "LLM_LLAMA_SERVICE_API_KEY or --api-key"),
    ],
)
def test_what_is_no_stream(answer: bytes, kind: type[SentiricLlamaError], words: str) -> None:
    with ScriptedServer(sending(answer)) as server, pytest.raises(kind, match=words):
        list(client(server).events(PATH, {}))


def test_closing_the_iterator_hangs_up() -> None:
    """Barge-in: the server sees it while it has more to say, and so does nobody else wait."""
    hung_up: list[bool] = []

    def script(connection: socket.socket) -> None:
        connection.sendall(SSE + b'data: {"n": 1}\n\ndata: {"n": 2}\n\n')
        hung_up.append(wait_for_hang_up(connection))

    with ScriptedServer(script) as server:
        with closing(cast(Any, client(server).events(PATH, {}))) as events:
            assert next(events) == {"n": 1}
        server.join_scripts()
        assert hung_up == [True]


def test_an_answer_that_lacks_its_end() -> None:
    with ScriptedServer(sending(SSE)) as server:
        chat = RemoteChatClient(client(server))
        with pytest.raises(InternalError, match="the stream ended without its usage"):
            list(chat.answer([], GenerationOptions()))


def test_threads_share_a_server() -> None:
    """More streams at once than a pool of connections would open, all held until the last came."""
    count = 130
    all_here = threading.Barrier(count, timeout=60)

    def script(connection: socket.socket) -> None:
        connection.sendall(SSE)
        all_here.wait()
        connection.sendall(b'data: {"n": 1}\n\n')

    found: list[object] = []
    with ScriptedServer(script) as server:
        shared = client(server, timeout_s=60.0)
        threads = [
            threading.Thread(target=lambda: found.append(list(shared.events(PATH, {}))))
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [[{"n": 1}]] * count


# Troubles


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


SIZED = SSE.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n")
CHUNKED = SSE.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (sending(), "got no HTTP answer.*if it speaks HTTPS, use --url https://"),
        (sending(b"220 mail.example ESMTP\r\n"), "got no HTTP answer.*if it speaks HTTPS"),
        (reset, "no server answers at .*Connection reset by peer.*sentiric-llama serve"),
        (sending(SIZED, b"data"), "lost the connection to .*closed by the server"),
        (sending(CHUNKED, b"10\r\ndata"), "lost the connection to .*closed by the server"),
    ],
)
def test_connections_that_break(script: Script, words: str) -> None:
    with ScriptedServer(script) as server:
        with pytest.raises(Unavailable, match=words):
            client(server).get("/health")
        with pytest.raises(Unavailable, match=words):
            client(server).post(PATH, {})
        with pytest.raises(Unavailable, match=words):
            list(client(server).events(PATH, {}))


def test_a_connection_reset_in_the_middle() -> None:
    was_read = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(SSE + b'data: {"n": 1}\n\n')
        assert was_read.wait(30)
        reset(connection)

    with ScriptedServer(script) as server:
        events = client(server).events(PATH, {})
        assert next(events) == {"n": 1}
        was_read.set()
        with pytest.raises(Unavailable, match=r"lost the connection to http://127\.0\.0\.1.*reset"):
            next(events)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200", SSE, SSE + b"data: {", CHUNKED + b"5\r\n"])
def test_every_wait_is_bounded(start: bytes) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(start)
        assert wait_for_hang_up(connection)

    late = pytest.raises(DeadlineExceeded, match=r"did not answer within 0\.2 s")
    with ScriptedServer(script) as server, late:
        list(client(server, timeout_s=0.2).events(PATH, {}))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://999.1.1.1:80", "http://[::1]:9"])
def test_nobody_is_there(url: str) -> None:
    with pytest.raises(Unavailable, match=r"no server answers at .*or name another with --url"):
        Server(url, timeout_s=20).get("/health")


# What is sent, and to whom


def test_the_key_and_nothing_else_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither proxies nor .netrc of the environment, nor a user name in the address, matter."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hush\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with ScriptedServer(sending(json_answer(b"{}", "200 OK", "Set-Cookie: a=b"))) as server:
        asked = client(
            server, api_key="sekret-ü", url=server.url.replace("//", "//me:hush@") + "/x"
        )
        assert asked.get("/health").body == {} and asked.post(PATH, {"a": "ş"}) == {}
    for head, line in zip(
        server.heads, (b"GET /x/health", b"POST /x" + PATH.encode()), strict=True
    ):
        assert head.startswith(line)
        assert b"authorization: bearer sekret-\xfc\r\n" in head.lower()
        assert b"accept-encoding: identity\r\n" in head.lower()
        assert b"cookie" not in head.lower() and b"hush" not in head
    assert json.loads(server.heads[1].partition(b"\r\n\r\n")[2]) == {"a": "ş"}


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
def test_no_redirect_is_followed(status: str) -> None:
    with ScriptedServer(sending(json_answer(b"{}"))) as other:
        answer = json_answer(b"", status, f"Location: {other.url}/")
        with ScriptedServer(sending(answer)) as server:
            asking = client(server, api_key="k")
            for ask in (
                asking.get,
                lambda path: asking.post(path, {}),
                lambda p: [*asking.events(p)],
            ):
                with pytest.raises(Unavailable, match=f"--url {other.url}"):
                    ask("/")
    assert len(server.heads) == 3 and other.heads == []


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"null"])
def test_a_success_without_an_object_is_an_error(body: bytes) -> None:
    with (
        ScriptedServer(sending(json_answer(body))) as server,
        pytest.raises(InternalError, match="sent no JSON object"),
    ):
        client(server).post("/tokenize", {})


def test_nothing_stays_open() -> None:
    ends: list[bool] = []

    def script(connection: socket.socket) -> None:
        connection.sendall(json_answer(b"{}"))
        ends.append(wait_for_hang_up(connection))

    with ScriptedServer(script) as server:
        client(server).get("/health")
        server.join_scripts()
        assert ends == [True]


# TLS


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@pytest.fixture
def tls_server(pki: Pki) -> Iterator[ScriptedServer]:
    """It asks for a client's certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.files.ca))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pki.files.cert, pki.files.key)
    with ScriptedServer(sending(json_answer(b"{}")), context) as server:
        yield server


def test_certificates_of_both_sides(pki: Pki, tls_server: ScriptedServer) -> None:
    pki.context(pki.good_client())
    own = {"cert_file": str(pki.folder / "client.crt"), "key_file": str(pki.folder / "client.key")}
    good = Trust(ca_file=str(pki.files.ca), **own)
    assert client(tls_server, trust=good).get("/health").body == {}
    pinned = Trust(server_cert=str(pki.files.cert), **own)
    assert client(tls_server, trust=pinned).get("/health").body == {}
    with pytest.raises(Unavailable, match=r"is not trusted \(.*name its CA with --ca-file"):
        client(tls_server, trust=Trust(**own)).get("/health")
    with pytest.raises(Unavailable, match=r"no TLS connection to .*--cert-file and --key-file"):
        client(tls_server, trust=dataclasses.replace(good, cert_file="", key_file="")).get("/")
    with pytest.raises(InvalidArgument, match="cannot read"):
        client(tls_server, trust=Trust(ca_file=str(pki.folder / "none"))).get("/")


def test_a_renewed_certificate_counts_at_once(pki: Pki, tls_server: ScriptedServer) -> None:
    """The same Server, as in a chat that goes on while the certificate is exchanged."""
    pki.context(pki.good_client())
    own = {"cert_file": str(pki.folder / "client.crt"), "key_file": str(pki.folder / "client.key")}
    shared = client(tls_server, trust=Trust(server_cert=str(pki.files.cert), **own))
    assert shared.get("/health").body == {}
    pki.use(pki.leaf())
    with pytest.raises(Unavailable, match="is not trusted"):
        shared.get("/health")
    tls_server.tls.load_cert_chain(pki.files.cert, pki.files.key)
    assert shared.get("/health").body == {}


def test_schemes_that_are_mixed_up(pki: Pki, tls_server: ScriptedServer) -> None:
    with ScriptedServer(sending(json_answer(b"{}"))) as plain:
        secure = plain.url.replace("http:", "https:")
        with pytest.raises(
            Unavailable, match=r"no TLS connection to .*plain HTTP needs --url http:"
        ):
            Server(secure, timeout_s=20).get("/health")
    with pytest.raises(Unavailable, match="no server answers at"):
        Server(tls_server.url.replace("https:", "http:"), timeout_s=20).get("/health")


# Cost


def test_only_a_request_imports_the_library() -> None:
    program = (
        "import sys\nfrom sentiric_llama.client.server import Server\n"
        "from sentiric_llama.client import chat_client, configured\n"
        "from sentiric_llama.client.load import target\nserver = Server()\n"
        "print({'httpx2', 'httpcore2', 'http.client', 'h11'} & set(sys.modules))"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.stdout == "set()\n", done.stderr
