# SPDX-License-Identifier: AGPL-3.0-only
"""/context/NAME: text files beneath EXAMPLES_DIR, and nothing else."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.http.routes.examples import MOST_BYTES

TEXT = "Fiyat 1500 TL, teslimat yarın."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "examples"
    (made / "inner").mkdir(parents=True)
    (made / "a.txt").write_text(TEXT, "utf-8")
    (made / "inner" / "b c.md").write_text("b", "utf-8")
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    return made


def raw_get(server: Any, target: str) -> bytes:
    """The target as it is: clients would tidy it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as peer:
        head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        peer.sendall(head.encode())
        return b"".join(iter(lambda: peer.recv(65536), b""))


def test_a_text(start: Any, folder: Path) -> None:
    server = start(examples_dir=str(folder))
    reply = server.get("/context/a.txt")
    assert (reply.status, reply.body.decode()) == (200, TEXT)
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert server.get("/context/inner/b%20c.md").body == b"b"
    head = server.request("HEAD", "/context/a.txt")
    assert (head.status, head.body) == (200, b"")


def test_what_is_no_text_file_is_missing(start: Any, folder: Path) -> None:
    (folder / "binary").write_bytes(b"\xff\x00")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    server = start(examples_dir=str(folder))
    for name in (
        "nope",
        "inner",
        "inner/",
        "a.txt/b",
        "binary",
        "loop",
        "pipe",
        "",
        ".",
        "x" * 999,
    ):
        reply = server.get(f"/context/{name}")
        assert (reply.status, reply.error["code"]) == (404, "not_found"), name


def test_the_size_is_bounded(start: Any, folder: Path) -> None:
    (folder / "most").write_bytes(b"x" * MOST_BYTES)
    (folder / "more").write_bytes(b"x" * (MOST_BYTES + 1))
    server = start(examples_dir=str(folder))
    assert server.get("/context/most").status == 200
    reply = server.get("/context/more")
    assert (reply.status, reply.error["code"]) == (413, "file_too_large")


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.txt", "inner/../../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt"),
        *("/etc/passwd", "%2fetc/passwd", "..", "inner/..", "..%5csecret.txt", "inner%5cb", "out"),
        *("outer/secret.txt", "absolute"),
    ],
)
def test_nothing_outside(
    start: Any, folder: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "out").symlink_to("../secret.txt")
    (folder / "outer").symlink_to("..")
    (folder / "absolute").symlink_to("/etc/passwd")
    server = start(examples_dir=str(folder))
    answer = raw_get(server, f"/context/{name}")
    assert answer.startswith(b"HTTP/1.1 403 ") and b"secret" not in answer, answer
    events = [getattr(record, "event", "") for record in caplog.records]
    assert "PATH_TRAVERSAL_ATTEMPT" in events


def test_links_that_stay_inside_are_followed(start: Any, folder: Path) -> None:
    """A mounted ConfigMap consists of them."""
    (folder / "..data").symlink_to("inner")
    (folder / "b.md").symlink_to("..data/b c.md")
    server = start(examples_dir=str(folder))
    assert server.get("/context/b.md").body == b"b"


def test_off_by_default_and_for_callers_only(start: Any, folder: Path) -> None:
    assert start().get("/context/a.txt").status == 404
    server = start(examples_dir=str(folder), api_key="k" * 32)
    assert server.get("/context/a.txt").status == 401
    assert server.get("/context/../secret.txt").status == 401
    missing = start(examples_dir=str(folder / "nowhere"))
    assert missing.get("/context/a.txt").status == 404
