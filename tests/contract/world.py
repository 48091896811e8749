# SPDX-License-Identifier: AGPL-3.0-only
"""A real server that has one of everything, and the names of what it has."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import models
from http_client import Reply, open_chat, request, wait_until
from server_process import ServerProcess

ADMIN = {"X-Api-Key": "admin"}
MODEL = "small-q8_0"
VOCABULARY, WIDTH = 32_000, models.RECIPES[MODEL].width
CONTEXT = 1024
CANCELLED = "cancelled-by-its-id"
"""A request of this id was cancelled; the server says so again and again."""


class World:
    """The server, open to all; its model's names, profiles, adapters and text files."""

    names = ("default", "first", "second")
    profiles = ("large", "little")
    adapters = ("alpha", "beta")
    texts = ("one.txt", "folder/two.txt")

    def __init__(self, folder: Path) -> None:
        path = models.model(MODEL)
        self.server = ServerProcess(
            path,
            contexts=4,
            context_size=CONTEXT,
            default_max_tokens=4,
            model_alias="first,second",
            admin_key=ADMIN["X-Api-Key"],
            profiles_path=_profiles(folder / "profiles.json", path),
            profile="large",
            lora_dir=_adapters(folder / "adapters"),
            examples_dir=_texts(folder / "texts"),
        )
        self.server.wait_ready()

    def document(self) -> dict[str, Any]:
        """The OpenAPI document as the server tells it."""
        found: dict[str, Any] = self.server.get("/openapi.json").json
        return found

    def cancel_one(self) -> None:
        """So that there is a request whose cancel can be asked for."""
        with open_chat(self.server.port, "x", {"x-request-id": CANCELLED, **ADMIN},
                       max_tokens=10**6, ignore_eos=True):  # fmt: skip
            assert wait_until(lambda: self._cancel() == 200)

    def _cancel(self) -> int:
        return self._ask("DELETE", f"/v1/requests/{CANCELLED}").status

    def _ask(self, method: str, path: str) -> Reply:
        return request(self.server.port, method, path, headers=ADMIN)

    def open_books(self) -> list[str]:
        """What does not balance although nobody asks for anything; [] if all does."""
        deadline = time.monotonic() + 60
        while (found := self._imbalance()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def _imbalance(self) -> list[str]:
        stats = self._ask("GET", "/v1/stats").json
        requests, engine = stats["requests"], stats["engine"]
        ended = requests["ok"] + requests["cancelled"] + requests["error"]
        checks = {
            "requests are running": not stats["running"] and not requests["running"],
            "requests are lost": requests["total"] == ended,
            "the queue is not empty": not any(stats["queue"][n] for n in ("waiting", "preparing")),
            "contexts are not free": stats["contexts"]["available"] == stats["contexts"]["total"],
            "the engine works": not any(engine[n] for n in ("queued", "prefilling", "decoding")),
            "the engine has lost requests": engine["requests_submitted"]
            == engine["requests_completed"],
            "an engine process has died": not stats["model"]["engine_process"]["restarts"],
        }
        told = f"{requests} {stats['queue']} {stats['contexts']} {engine}"
        return [f"{what}: {told}" for what, holds in checks.items() if not holds]

    def defects(self) -> list[str]:
        """What the log calls an error."""
        lines = self.server.records
        return [str(line) for line in lines if line["severity"] in ("ERROR", "FATAL")]

    def close(self) -> None:
        self.server.close()


def _profiles(path: Path, model: Path) -> Path:
    shared = {"model_id": str(model), "default_max_tokens": 4}
    sizes = {"large": CONTEXT, "little": CONTEXT // 2}
    profiles = {
        name: shared | {"display_name": name, "context_size": sizes[name]}
        for name in World.profiles
    }
    path.write_text(json.dumps({"active_profile": "large", "profiles": profiles}))
    return path


def _adapters(folder: Path) -> Path:
    folder.mkdir()
    for name in World.adapters:
        models.adapter(name, MODEL, folder / f"{name}.gguf")
    return folder


def _texts(folder: Path) -> Path:
    for name in World.texts:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}: ığüşöç\n", encoding="utf-8")
    return folder
