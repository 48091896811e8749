# SPDX-License-Identifier: AGPL-3.0-only
"""A client that leaves before it hears anything is no defect of ours."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
import pytest

from sentiric_llama.rpc.generated import llama_pb2
from sentiric_llama.rpc.handlers import answering


class GoneContext:
    """As gRPC behaves when the peer has left and its cancel has not arrived yet."""

    def invocation_metadata(self) -> None:
        return None

    async def send_initial_metadata(self, _metadata: object) -> None:
        raise grpc.aio.InternalError("Failed grpc_call_start_batch")

    async def abort(self, *_: object, **__: object) -> None:
        raise AssertionError("there is nobody to tell")


def test_it_counts_as_cancelled_and_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    method = llama_pb2.DESCRIPTOR.services_by_name["LlamaService"].methods[0]
    context: Any = GoneContext()

    async def call() -> None:
        async with answering(method, context):
            raise AssertionError("the call must not begin")

    with caplog.at_level(logging.DEBUG), pytest.raises(asyncio.CancelledError):
        asyncio.run(call())
    assert all(record.levelno < logging.WARNING for record in caplog.records)
