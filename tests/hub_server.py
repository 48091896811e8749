# SPDX-License-Identifier: AGPL-3.0-only
"""A Hugging Face hub on this machine: an API, files, redirects to a CDN, and trouble on demand."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Trouble:
    """What goes wrong with the bodies; each list is used up from its front, one per GET."""

    cut_at: list[int] = field(default_factory=list)
    """Close the connection after so many bytes of the whole file."""
    resets: bool = False
    """Connections that are cut are reset."""
    status: list[int] = field(default_factory=list)
    hub_status: list[int] = field(default_factory=list)
    """Of the hub's own answers, not the CDN's."""
    corrupt: int = 0
    """So many answers have one byte flipped."""
    stall_at: list[int] = field(default_factory=list)
    ignores_range: bool = False
    wrong_range: int = 0
    declared_extra: int = 0
    """Added to Content-Length and sent."""
    content_length: str = ""
    """Sent instead of the true one; the body ends with its connection then."""
    html: bool = False
    redirects_for_ever: bool = False
    redirect_to: str = ""
    """Where the CDN sends on to."""
    commit: str = COMMIT
    """What the hub says that the repository stands at."""
    etag: str | None = None
    """Of each file, instead of its checksum."""
    listed: list[str] = field(default_factory=list)
    """Names beside the real ones."""
    api_redirect_to: str = ""
    """Where the hub's API sends on to."""
    tags: list[str] = field(default_factory=list)
    """Strong ETags of the CDN; the last stays."""
    delay_s: float = 0
    chunk: int = 64 * 1024


class HubServer:
    """`files` maps a repository to its files. Requests for content go to a second port."""

    def __init__(self, files: dict[str, dict[str, bytes]]) -> None:
        self.files = files
        self.trouble = Trouble()
        self.transfers: list[tuple[str, int]] = []
        """Name and offset of each body that was begun."""
        self.seen: list[tuple[str, dict[str, str]]] = []
        """Port's role and headers of each request."""
        self.counts: Counter[str] = Counter()
        self.released = threading.Event()
        self.stalled = threading.Event()
        self._hub = _listen(self, "hub")
        self._cdn = _listen(self, "cdn")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._hub.server_address[1]}"

    @property
    def cdn_url(self) -> str:
        return f"http://localhost:{self._cdn.server_address[1]}"

    def close(self) -> None:
        self.released.set()
        for server in (self._hub, self._cdn):
            server.shutdown()
            server.server_close()

    def content(self, path: str) -> bytes | None:
        repo, _, name = path.partition("//")
        return self.files.get(repo, {}).get(name)


@contextmanager
def hub_server(files: dict[str, dict[str, bytes]]) -> Iterator[HubServer]:
    server = HubServer(files)
    try:
        yield server
    finally:
        server.close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    hub: HubServer
    role: str

    def handle_error(self, request: Any, client_address: Any) -> None: ...

    def shutdown_request(self, request: Any) -> None:
        if self.hub.trouble.resets:
            self.close_request(request)  # without a farewell, which would end it in order
        else:
            super().shutdown_request(request)


def _listen(hub: HubServer, role: str) -> _Server:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.hub, server.role = hub, role
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None: ...

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.server.hub
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.seen.append((self.server.role, headers))
        hub.counts[f"{self.server.role} {self.command}"] += 1
        path = self.path.split("?")[0]
        if self.server.role == "cdn":
            self._send_content(path.lstrip("/"))
        elif hub.trouble.hub_status:
            self._answer(hub.trouble.hub_status.pop(0), b"", {})
        elif path.startswith("/api/models/") and hub.trouble.api_redirect_to:
            self._answer(302, b"", {"Location": hub.trouble.api_redirect_to})
        elif path.startswith("/api/models/"):
            self._send_listing(path.removeprefix("/api/models/"))
        else:
            self._send_pointer(path)

    # The hub

    def _send_listing(self, path: str) -> None:
        repo, _, revision = path.partition("/revision/")
        if not self._is_known(repo):
            return
        if revision not in ("", "main", COMMIT):
            self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return
        trouble = self.server.hub.trouble
        names = [*self.server.hub.files[repo], *trouble.listed]
        siblings = [{"rfilename": name} for name in names]
        info = {"id": repo, "modelId": repo, "sha": trouble.commit, "siblings": siblings}
        self._answer(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _send_pointer(self, path: str) -> None:
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        repo, revision, name = match.groups() if match else ("", "", "")
        if not self._is_known(repo):
            return
        trouble = self.server.hub.trouble
        body = self.server.hub.files[repo].get(name)
        if revision not in ("main", COMMIT):
            self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif body is None:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        else:
            self._answer(
                302,
                b"",
                {
                    "Location": f"{self.server.hub.cdn_url}/{repo}//{name}",
                    "X-Repo-Commit": trouble.commit,
                    "X-Linked-Etag": f'"{trouble.etag or hashlib.sha256(body).hexdigest()}"',
                    "X-Linked-Size": str(len(body)),
                },
            )

    def _is_known(self, repo: str) -> bool:
        if repo in self.server.hub.files:
            return True
        gated = repo == "org/gated"
        code = "GatedRepo" if gated else "RepoNotFound"
        self._answer(403 if gated else 404, b"", {"X-Error-Code": code})
        return False

    # The CDN

    def _send_content(self, path: str) -> None:
        hub, trouble = self.server.hub, self.server.hub.trouble
        body = hub.content(path)
        if trouble.status:
            self._answer(trouble.status.pop(0), b"busy", {})
        elif trouble.redirect_to:
            self._answer(302, b"", {"Location": trouble.redirect_to})
        elif trouble.redirects_for_ever:
            self._answer(302, b"", {"Location": self.path + "x"})
        elif trouble.html:
            self._answer(200, b"<html>sign in first</html>", {"Content-Type": "text/html"})
        elif body is None:
            self._answer(404, b"", {})
        else:
            self._send_body(path.partition("//")[2], body)

    def _send_body(self, name: str, body: bytes) -> None:
        trouble = self.server.hub.trouble
        tags = trouble.tags
        tag = f'"{tags.pop(0) if len(tags) > 1 else tags[0]}"' if tags else '"cdn-1"'
        start = self._start_of(body, tag)
        if start is None:
            self._answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            return
        self.server.hub.transfers.append((name, start))
        total = len(body)
        if trouble.corrupt:
            trouble.corrupt -= 1
            spot = total // 2
            body = body[:spot] + bytes([body[spot] ^ 1]) + body[spot + 1 :]
        body += bytes(trouble.declared_extra)
        headers = {"ETag": tag, "Content-Length": str(len(body) - start)}
        if trouble.content_length:
            headers["Content-Length"] = trouble.content_length
            self.close_connection = True
        if start or trouble.wrong_range:
            shown = start + trouble.wrong_range
            trouble.wrong_range = 0
            headers["Content-Range"] = f"bytes {shown}-{len(body) - 1}/{len(body)}"
        # Taken before the head is sent: the client may be at its next request while this writes.
        cut = trouble.cut_at.pop(0) if trouble.cut_at else len(body)
        stall = trouble.stall_at.pop(0) if trouble.stall_at else None
        self.send_response(206 if "Content-Range" in headers else 200)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self._stream(body, start, max(start, min(cut, len(body))), stall)

    def _start_of(self, body: bytes, tag: str) -> int | None:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted is None or self.server.hub.trouble.ignores_range:
            return 0
        if self.headers.get("If-Range", tag) != tag:
            return 0
        return int(wanted[1]) if int(wanted[1]) < len(body) else None

    def _stream(self, body: bytes, start: int, end: int, stall: int | None) -> None:
        """Writes up to `end`, waiting at `stall`; cuts the connection when that is not the end."""
        hub, trouble = self.server.hub, self.server.hub.trouble
        position = start
        while position < end:
            if stall is not None and position >= stall:
                hub.stalled.set()
                hub.released.wait(30)
                break
            upto = min(position + trouble.chunk, end)
            self.wfile.write(body[position:upto])
            position = upto
            if trouble.delay_s:
                time.sleep(trouble.delay_s)
        if position < len(body):
            self.close_connection = True
            self.wfile.flush()
            if trouble.resets:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1" + bytes(7))
            else:
                self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


Serve = Callable[[dict[str, dict[str, bytes]]], HubServer]
