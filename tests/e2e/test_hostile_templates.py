# SPDX-License-Identifier: AGPL-3.0-only
"""Models whose chat template attacks the server: at load, at a live switch, in a request."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

import models
from http_client import Reply, StreamThread
from sentiric_llama import Engine
from sentiric_llama.errors import TemplateFailed
from server_process import ServerProcess

ADMIN = {"Authorization": "Bearer operators"}
ASK = {"temperature": 0, "ignore_eos": True, "max_tokens": 8}
NEIGHBOUR = ASK | {"max_tokens": 200}

EACH = "{% for m in messages %}{{ m.content }}{% endfor %}"
HUGE = (
    "{% set n = namespace(s='0123456789abcdef') %}"
    "{% for i in range(18) %}{% set n.s = n.s ~ n.s %}{% endfor %}"
)
"""Four megabytes."""

ATTACKS = {
    "list": "{% set l = [1] %}{% set _ = l.append(l) %}{{ l | tojson }}",
    "namespace": "{% set n = namespace(x=1) %}{% set n.x = n %}{{ 'a' ~ n }}",
    "indent": "{{ messages[0].content | indent(6000000000) }}",
    "join": HUGE + "{{ range(10000) | join(n.s) }}",
    "replace": HUGE + "{{ n.s | replace('0', n.s) }}",
    "split": HUGE + "{{ n.s.split('0') }}",
    "kept": "{% set l = [] %}{% for i in range(9999) %}{% set _ = l.append(range(9999)) %}"
    "{% endfor %}",
    "endless": "{% for i in range(9999) %}{% for j in range(9999) %}{{ 'a' | upper }}"
    "{% endfor %}{% endfor %}",
    "division": "{{ 5 is divisibleby(0) }}",
    "shrink": "{% for a, b in [[1, 2], [3, 4]] %}{% set _ = loop.nextitem.pop() %}{% endfor %}",
}
LATE = "{% if messages[-1].content == 'now' %}" + ATTACKS["list"] + "{% endif %}" + EACH


LENGTH = 400


def padded(template: str) -> bytes:
    """Of one length, so that one file gives all others."""
    return (template + "{#" + " " * (LENGTH - len(template) - 4) + "#}").encode()


def build(folder: Path) -> dict[str, Path]:
    source, path = folder / "plain.jinja", folder / "plain.gguf"
    source.write_bytes(padded(EACH))
    recipe = models.Recipe(
        template=str(source), layers=1, width=32, feed_forward=32, heads=1, kv_heads=1
    )
    models.write(recipe, "plain", path)
    whole, made = path.read_bytes(), {}
    assert whole.count(padded(EACH)) == 1
    for name, text in ({n: t + EACH for n, t in ATTACKS.items()} | {"late": LATE}).items():
        made[name] = folder / f"{name}.gguf"
        made[name].write_bytes(whole.replace(padded(EACH), padded(text)))
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(tmp_path_factory.mktemp("hostile")) | {"good": models.model("small-q8_0")}


@pytest.fixture
def server(start: Any, files: dict[str, Path], tmp_path: Path) -> ServerProcess:
    profiles = {name: {"model_id": str(path)} for name, path in files.items()}
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps({"active_profile": "good", "profiles": profiles}))
    made: ServerProcess = start(
        profiles_path=path, admin_key="operators", contexts=4, context_size=512, compute_threads=1
    )
    return made.wait_ready()


def switch(server: ServerProcess, profile: str) -> Reply:
    return server.post("/v1/models/switch", {"profile": profile}, ADMIN)


def test_switched_to_under_a_stream(server: ServerProcess) -> None:
    """The old model's stream goes on; the new one refuses to chat."""
    before = server.chat("Merhaba", **ASK).text
    whole = server.chat("Merhaba", **NEIGHBOUR).text
    for name in ATTACKS:
        came = threading.Event()
        neighbour = StreamThread(server.port, "Merhaba", came.set, **NEIGHBOUR)
        assert came.wait(60)
        assert switch(server, name).status == 200
        refused = server.chat("Merhaba", **ASK)
        assert refused.error["code"] == "template_failed", name
        assert neighbour.text() == whole, name
        assert switch(server, "good").status == 200
    assert server.chat("Merhaba", **ASK).text == before


def test_in_a_request(server: ServerProcess) -> None:
    """A template that waits for its moment fails that call; its neighbours go on."""
    assert switch(server, "late").status == 200
    whole = server.chat("Merhaba", **NEIGHBOUR).text
    neighbour = StreamThread(server.port, "Merhaba", lambda: None, **NEIGHBOUR)
    for _ in range(3):
        refused = server.chat("now", **ASK)
        assert refused.error["code"] == "template_failed"
        assert "contains itself" in refused.error["message"]
    assert neighbour.text() == whole
    assert server.chat("Merhaba", **ASK).status == 200


def test_loaded(files: dict[str, Path]) -> None:
    """In the file it disables chat, asked for it is an error."""
    for name, text in ATTACKS.items():
        with Engine(str(files[name]), contexts=1, context_size=64, compute_threads=1) as engine:
            with pytest.raises(TemplateFailed):
                engine.chat([{"role": "user", "content": "a"}], max_tokens=1)
            assert engine.generate("a", max_tokens=1, ignore_eos=True).tokens
        with pytest.raises(TemplateFailed):
            Engine(str(files["good"]), contexts=1, context_size=64, chat_template=text + EACH)
