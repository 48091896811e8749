# SPDX-License-Identifier: AGPL-3.0-only
"""The static page: served whole, safe, and its event parser checked with node when there is one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import resources
from typing import Any

import pytest

from sentiric_llama.access.key_ring import KeyRing
from sentiric_llama.access.rights import Access, AccessCheck
from sentiric_llama.http.middleware.guard import Guard
from sentiric_llama.http.routes.page import page_routes

ROUTES = page_routes(Guard(AccessCheck(KeyRing(()))))
PATHS = [route.path for route in ROUTES]
STATIC = resources.files("sentiric_llama.http") / "static"


@pytest.mark.parametrize("path", PATHS)
def test_files_are_served_with_their_policy(server: Any, path: str) -> None:
    reply = server.get(path)
    assert reply.status == 200
    assert reply.headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    urls = re.findall(rb"""https?://[^\s"'<>)]+""", reply.body)
    assert set(urls) <= {b"http://www.w3.org/2000/svg"}, "nothing from elsewhere"
    assert all(route.needs is Access.PUBLIC for route in ROUTES)


def test_page_keeps_to_its_policy() -> None:
    html = (STATIC / "index.html").read_text()
    script = (STATIC / "page.js").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", html)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in script
    for path in re.findall(r'(?:src|href)="([^"]+)"', html):
        assert path in (*PATHS, "/docs")
    for field in re.findall(r'<(?:textarea|input|select)[^>]*id="(\w+)"', html):
        assert f'for="{field}"' in html or f'<select id="{field}"' in html


def test_both_languages_say_the_same() -> None:
    script = (STATIC / "page.js").read_text()
    table = script[script.index("const TEXTS") : script.index("const POLL_MS")]
    english, turkish = table.split("tr: {")
    names = [set(re.findall(r"(?:^|[\s{])(\w+): \"", part)) for part in (english, turkish)]
    assert names[0] == names[1] and len(names[0]) > 10
    html = (STATIC / "index.html").read_text()
    assert set(re.findall(r'data-text="(\w+)"', html)) <= names[0]


CASES = [
    ("data: a\n\n", ["a"]),
    ("data: a\ndata: b\n\n", ["a\nb"]),
    ("data:a\r\n\r\ndata: b\r\r", ["a", "b"]),
    (": comment\n\nevent: x\nid: 1\ndata: a\n\n", ["a"]),
    ("data\n\n", [""]),
    ("data:  two\n\n", [" two"]),
    ("data: ığ😀\n\ndata: unfinished\n", ["ığ😀"]),
    ("\ufeffdata: bom\n\n", ["bom"]),
]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_event_parser_at_every_split() -> None:
    program = """
    const source = process.argv[1], cases = JSON.parse(process.argv[2]);
    const url = "data:text/javascript;base64," + Buffer.from(source).toString("base64");
    const { EventParser } = await import(url);
    const out = [];
    for (const text of cases) {
      const bytes = new TextEncoder().encode(text);
      const results = new Set();
      for (let a = 0; a <= bytes.length; a++) for (let b = a; b <= bytes.length; b++) {
        const parser = new EventParser();
        const parts = [bytes.slice(0, a), bytes.slice(a, b), bytes.slice(b)];
        results.add(JSON.stringify(parts.flatMap((part) => parser.push(part))));
      }
      out.push([...results]);
    }
    console.log(JSON.stringify(out));
    """
    source = (STATIC / "sse.js").read_text()
    texts = json.dumps([text for text, _ in CASES])
    command = ["node", "--input-type=module", "-e", program, source, texts]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    for (text, expected), results in zip(CASES, json.loads(done.stdout), strict=True):
        assert [json.loads(result) for result in results] == [expected], text
