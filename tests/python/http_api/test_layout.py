# SPDX-License-Identifier: AGPL-3.0-only
"""/v1/ui/layout: the widgets by their ids, with the values in use; hardware for admins only."""

from __future__ import annotations

from typing import Any

KEYS = "one:user:k1\nops:admin:k2"


def widgets(server: Any, key: str = "k1") -> dict[str, Any]:
    reply = server.get("/v1/ui/layout", authorization=f"Bearer {key}")
    assert reply.status == 200 and reply.json.keys() == {"panels"}
    return {widget["id"]: widget for widget in reply.json["panels"]["settings"]}


def test_an_admin_gets_all(start: Any) -> None:
    server = start(api_keys=KEYS, default_temperature=0.3, gpu_layers=7)
    found = widgets(server, "k2")
    types = {name: widget["type"] for name, widget in found.items()}
    assert types == {
        "persona-chips": "chip-group",
        "reasoning-level": "segmented",
        "gpuLayers": "hardware-slider",
        "ctxSize": "hardware-slider",
        "tempInput": "slider",
    }
    limits = {
        n: [w["min"], w["max"], w["step"], w["value"]] for n, w in found.items() if "min" in w
    }
    assert limits == {
        "gpuLayers": [0, 100, 1, 7],
        "ctxSize": [1024, 32768, 1024, 4096],
        "tempInput": [0, 2, 0.1, 0.3],
    }
    efforts = [option["value"] for option in found["reasoning-level"]["options"]]
    assert efforts == ["none", "low", "high"]
    personas = [option["value"] for option in found["persona-chips"]["options"]]
    assert personas == ["default", "coder", "reasoning", "creative", "english"]


def test_a_user_gets_what_a_request_may_change(start: Any) -> None:
    server = start(api_keys=KEYS)
    assert widgets(server).keys() == {"persona-chips", "reasoning-level", "tempInput"}
    assert server.get("/v1/ui/layout").status == 401


def test_without_a_model_the_settings_speak(start: Any) -> None:
    server = start(ready=False, api_keys=KEYS, context_size=2048)
    assert widgets(server, "k2")["ctxSize"]["value"] == 2048
    assert widgets(server, "k2")["gpuLayers"]["value"] == 100  # all of them
