# SPDX-License-Identifier: AGPL-3.0-only
"""The metrics port speaks as the API does: its certificates, and only with those it lets in."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.server import listening, servers
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.tls.make import KeyPair
from sentiric_llama.tls.setup import set_up_tls
from tls_files import Pki

ASK = (
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
    b"Authorization: Bearer sesame\r\nConnection: close\r\n\r\n"
)


def exchange(port: int, context: ssl.SSLContext | None) -> bytes:
    """What comes back for a scrape, over TLS with a context."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        end = context.wrap_socket(plain, server_hostname="localhost") if context else plain
        with end:
            end.sendall(ASK)
            answer = b""
            while chunk := end.recv(65536):
                answer += chunk
    return answer


def trusting(pki: Pki, client: KeyPair | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=pki.ca.cert_pem.decode())
    if client is not None:
        chain, key = pki.folder / "client.crt", pki.folder / "client.key"
        chain.write_bytes(client.cert_pem)
        key.write_bytes(client.key_pem)
        context.load_cert_chain(chain, key)
    return context


def scraped(settings: Settings, ask: Callable[[int], Any]) -> Any:
    """What `ask(port)` returns on a metrics port with these settings."""

    async def main() -> Any:
        tls = set_up_tls(settings)
        with listening.bind("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            async with servers.serve_metrics(LlamaService(settings), listener, tls):
                return await asyncio.to_thread(ask, port)

    return asyncio.run(main())


def settings(pki: Pki, tls: str, **more: Any) -> Settings:
    paths = {"cert_path": str(pki.files.cert), "key_path": str(pki.files.key)}
    files = paths | {"grpc_tls_ca_path": str(pki.files.ca)}
    return Settings(tls=tls, metrics_key="sesame", **files, **more)  # type: ignore[arg-type]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


def test_a_key_never_travels_in_the_clear(pki: Pki, caplog: pytest.LogCaptureFixture) -> None:
    """A plain request to a TLS port is no request: nothing of it is read."""
    caplog.set_level("INFO")
    for tls in ("cert", "mtls"):
        try:
            answer = scraped(settings(pki, tls), lambda port: exchange(port, None))
        except OSError:
            answer = b""
        assert b"HTTP/1.1" not in answer and b"llm_" not in answer
    assert "https://127.0.0.1" in caplog.text


def test_tls_for_scrapers(pki: Pki) -> None:
    answer = scraped(settings(pki, "cert"), lambda port: exchange(port, trusting(pki)))
    assert answer.startswith(b"HTTP/1.1 200") and b"llm_ready" in answer


def test_mutual_tls_asks_scrapers_too(pki: Pki) -> None:
    mutual = settings(pki, "mtls")
    good = trusting(pki, pki.good_client())
    assert b"llm_ready" in scraped(mutual, lambda port: exchange(port, good))
    try:  # the handshake fails, or the connection is closed behind it
        answer = scraped(mutual, lambda port: exchange(port, trusting(pki)))
    except OSError:
        answer = b""
    assert answer == b""


def test_names_that_may_call_are_those_that_may_scrape(pki: Pki) -> None:
    limited = settings(pki, "mtls", tls_allowed_names=("voice-gateway",))
    good, other = pki.good_client(), pki.leaf(["someone-else"])
    assert b" 200 " in scraped(limited, lambda port: exchange(port, trusting(pki, good)))
    assert b" 403 " in scraped(limited, lambda port: exchange(port, trusting(pki, other)))


def test_a_certificate_made_for_this_machine(tmp_path: Path) -> None:
    automatic = Settings(tls="auto", tls_dir=str(tmp_path / "own"), metrics_key="sesame")
    set_up_tls(automatic)
    context = ssl.create_default_context(cafile=str(tmp_path / "own" / "self-signed.crt"))
    answer = scraped(automatic, lambda port: exchange(port, context))
    assert answer.startswith(b"HTTP/1.1 200")


def test_no_port_is_left_out(tmp_path: Path, pki: Pki) -> None:
    """Whatever TLS says holds for HTTP, metrics and gRPC alike."""
    automatic = set_up_tls(Settings(tls="auto", tls_dir=str(tmp_path / "own")))
    for setup in (automatic, set_up_tls(settings(pki, "cert")), set_up_tls(settings(pki, "mtls"))):
        assert setup.https is not None and setup.grpc is not None


def test_without_tls_it_is_plain() -> None:
    plain = Settings(metrics_key="sesame")  # type: ignore[arg-type]
    assert b"llm_ready" in scraped(plain, lambda port: exchange(port, None))
