# SPDX-License-Identifier: AGPL-3.0-only
"""The target of a load test: a server, or an engine in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sentiric_llama.client.chat_client import ChatClient, LocalChatClient, RemoteChatClient
from sentiric_llama.client.server import Server, error_of

if TYPE_CHECKING:
    from sentiric_llama.client.grpc_server import GrpcServer
    from sentiric_llama.engine.blocking import Engine


class Target(Protocol):
    """Answers, counts tokens with its own tokenizer, and describes itself."""

    @property
    def client(self) -> ChatClient: ...
    def count(self, text: str) -> int: ...
    def facts(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


class ServerTarget:
    """A running server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.client = RemoteChatClient(server)

    def close(self) -> None:
        """Nothing stays open."""

    def count(self, text: str) -> int:
        return len(self._server.post("/tokenize", {"content": text})["tokens"])

    def facts(self) -> dict[str, Any]:
        """Describes the server, so that two reports can be compared."""
        answer = self._server.get("/v1/models")
        if answer.status != 200:
            raise error_of(answer, "/v1/models")
        model = answer.body["data"][0]
        health = self._server.get("/health").body
        return {
            "url": self._server.url,
            "model": model["id"],
            "meta": model.get("meta", {}),
            "contexts": health["capacity"]["total"],
            "version": health.get("version"),
        }


class GrpcTarget:
    """A running server over gRPC."""

    def __init__(self, server: GrpcServer) -> None:
        from sentiric_llama.client.grpc_chat_client import GrpcChatClient

        self._server = server
        self.client = GrpcChatClient(server)

    def close(self) -> None:
        """Nothing stays open."""

    def count(self, text: str) -> int:
        return len(self._server.tokenize(text))

    def facts(self) -> dict[str, Any]:
        """The facts that gRPC provides."""
        capacity = self._server.capacity()
        return {
            "url": f"grpc://{self._server.address.rpartition('://')[2]}",
            "model": self.client.name,
            "meta": {"n_ctx": capacity.context_size},
            "contexts": capacity.total,
            "version": None,
        }


class EngineTarget:
    """An engine in this process: no HTTP and no service, but the same threads and queue."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.client = LocalChatClient(engine, name)

    def close(self) -> None:
        self._engine.close()

    def count(self, text: str) -> int:
        return len(self._engine.tokenize(text))

    def facts(self) -> dict[str, Any]:
        """With the same keys as a server's."""
        from sentiric_llama.host.product import version

        info = self._engine.info
        return {
            "url": None,
            "model": self.client.name,
            "meta": info.meta,
            "contexts": info.contexts,
            "version": version(),
        }
