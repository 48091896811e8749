# SPDX-License-Identifier: AGPL-3.0-only
"""A server that does to each connection what a test says: byte by byte, with or without manners."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType

Script = Callable[[socket.socket], None]
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
"""The head of a stream that ends with its connection."""


class ScriptedServer:
    """Reads the head of a request, then runs `script`; closes the connection after it."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.heads: list[bytes] = []
        """Of each request, as it came."""
        self.tls = tls
        self._failures: list[Exception] = []
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> ScriptedServer:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(30)
        self._listener.close()
        self.join_scripts()
        assert not self._failures or error, self._failures

    def join_scripts(self) -> None:
        """Waits for the ends of those that run."""
        for thread in self._threads[1:]:
            thread.join(60)
            assert not thread.is_alive(), "a script is still running"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            if head := read_head(connection):
                self.heads.append(head)
                self._script(connection)
        except OSError:
            pass  # the client hung up
        except Exception as error:
            self._failures.append(error)
        finally:
            connection.close()


def read_head(connection: socket.socket) -> bytes:
    """The request up to its body, and the body that its Content-Length tells."""
    got = b""
    while b"\r\n\r\n" not in got:
        if not (chunk := connection.recv(65536)):
            return b""
        got += chunk
        if not got[:1].isalpha():
            return got  # a TLS handshake, for one
    head, _, body = got.partition(b"\r\n\r\n")
    sizes = [line.split(b":")[1] for line in head.split(b"\r\n") if b"ontent-" in line[:12]]
    sizes = [size for size in sizes if size.strip().isdigit()]
    while sizes and len(body) < int(sizes[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def json_answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body


def sending(*pieces: bytes) -> Script:
    """Each piece with a packet of its own, as far as the system allows."""

    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)

    return script
