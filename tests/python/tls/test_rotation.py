# SPDX-License-Identifier: AGPL-3.0-only
"""Certificates change while calls go on: none fails, and a bad pair is never used."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from rpc_server import Rpc, read, serving
from sentiric_llama.rpc.generated.llama_pb2 import GenerateStreamRequest
from sentiric_llama.rpc.generated.llama_pb2_grpc import LlamaServiceStub as Stub
from sentiric_llama.tls.https import RotatingContext
from sentiric_llama.tls.make import KeyPair, make_ca
from sentiric_llama.tls.setup import TlsSetup
from sentiric_llama.tls.store import IdentityStore, watch
from tls_files import Pki

QUESTION = GenerateStreamRequest(user_prompt="hello")
ROTATIONS = 8
PERIOD_S = 0.02


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


def expired(pki: Pki) -> KeyPair:
    return pki.leaf(days=1, starts=datetime.now(UTC) - timedelta(days=2))


async def shown(pki: Pki, port: int) -> int:
    """The serial number of the certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=pki.context(pki.good_client()), server_hostname="localhost"
    )
    der = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.close()
    return x509.load_der_x509_certificate(der).serial_number


async def until_shown(pki: Pki, port: int, pair: KeyPair) -> None:
    async with asyncio.timeout(30):
        while await shown(pki, port) != pair.certificate.serial_number:
            await asyncio.sleep(PERIOD_S)


@contextlib.asynccontextmanager
async def load(pki: Pki, rpc: Rpc) -> AsyncIterator[list[bool]]:
    """Callers without a pause: one stays connected, the others connect for each call."""
    results: list[bool] = []
    client = pki.good_client()

    async def one(channel: grpc.aio.Channel) -> None:
        call = Stub(channel).GenerateStream(QUESTION)
        results.append((await read(call))[0] == "You said: hello")

    async def staying() -> None:
        async with pki.channel(rpc.address, client) as channel:
            while True:
                await one(channel)
                await asyncio.sleep(0.001)

    async def coming() -> None:
        while True:
            async with pki.channel(rpc.address, client) as channel:
                await one(channel)

    tasks = [asyncio.create_task(work()) for work in (staying, coming, coming)]
    try:
        yield results
    finally:
        failed = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert not [task.exception() for task in failed]


async def test_no_call_fails_while_certificates_rotate(pki: Pki) -> None:
    store = IdentityStore(pki.files)
    async with serving(tls=TlsSetup(grpc=store)) as rpc:
        watching = asyncio.create_task(watch([store], PERIOD_S))
        async with load(pki, rpc) as results:
            for _ in range(ROTATIONS):
                before = len(results)
                pair = pki.leaf()
                pki.files.cert.write_bytes(pair.cert_pem[:100])  # half-written
                await asyncio.sleep(2 * PERIOD_S)
                pki.files.cert.write_bytes(pair.cert_pem)  # of another key
                await asyncio.sleep(2 * PERIOD_S)
                pki.use(expired(pki))
                await asyncio.sleep(2 * PERIOD_S)
                pki.use(pair)
                await until_shown(pki, rpc.server.port, pair)
                while len(results) < before + 25:
                    await asyncio.sleep(PERIOD_S)
        assert len(results) >= 25 * ROTATIONS and all(results)
        assert (
            store.certificate_expiry_timestamp() == pair.certificate.not_valid_after_utc.timestamp()
        )
        watching.cancel()


async def test_a_new_ca_replaces_the_old_one(pki: Pki) -> None:
    store = IdentityStore(pki.files)
    async with serving(tls=TlsSetup(grpc=store)) as rpc:
        old = pki.good_client()
        async with pki.channel(rpc.address, old) as channel:
            rpc.use(channel)
            await read(rpc.generate())
        pki.ca = make_ca("the next CA")
        (pki.folder / "ca.crt").write_bytes(pki.ca.cert_pem)
        pki.use(pki.leaf())
        assert store.refresh()
        async with pki.channel(rpc.address, pki.good_client()) as channel:
            rpc.use(channel)
            await read(rpc.generate())
        async with pki.channel(rpc.address, old) as channel:
            rpc.use(channel)
            with pytest.raises(Exception, match="UNAVAILABLE"):
                await read(rpc.generate())


def test_what_is_not_good_is_not_used(pki: Pki, caplog: pytest.LogCaptureFixture) -> None:
    store = IdentityStore(pki.files)
    first = store.current
    assert not store.refresh() and store.current is first
    good = pki.leaf()
    bad = {
        "half-written": good.cert_pem[:100],
        "empty": b"",
        "of another key": good.cert_pem,
        "expired": expired(pki).cert_pem,
    }
    with caplog.at_level(logging.WARNING):
        for name, content in bad.items():
            pki.files.cert.write_bytes(content)
            for _ in range(3):
                assert not store.refresh() and store.current is first, name
        pki.files.cert.unlink()
        assert not store.refresh()
    events = [getattr(record, "event", "") for record in caplog.records]
    assert 3 <= len(events) <= 5 and set(events) == {"TLS_CERTIFICATE_REFUSED"}  # once for each
    assert "PRIVATE KEY" not in caplog.text
    pki.use(good)
    assert store.refresh() and store.current.chain == good.cert_pem
    assert "PRIVATE KEY" not in repr(store.current)


def test_https_contexts_follow_the_store(pki: Pki) -> None:
    store = IdentityStore(pki.files)
    context = RotatingContext(store, client_certificates=True)

    def certificate() -> ssl.SSLContext:
        return context._now()

    first = certificate()
    assert first is certificate() and first.verify_mode is ssl.CERT_REQUIRED
    pki.use(pki.leaf())
    assert store.refresh()
    assert certificate() is not first and certificate().verify_mode is ssl.CERT_REQUIRED


async def test_https_shows_the_new_certificate(pki: Pki) -> None:
    store = IdentityStore(pki.files)
    context = RotatingContext(store, client_certificates=True)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    seen = {await shown(pki, port)}
    for _ in range(3):
        pair = pki.leaf()
        pki.use(pair)
        assert store.refresh() and await shown(pki, port) == pair.certificate.serial_number
        seen.add(pair.certificate.serial_number)
    assert len(seen) == 4
    server.close()
