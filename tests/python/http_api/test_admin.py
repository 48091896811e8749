# SPDX-License-Identifier: AGPL-3.0-only
"""Profiles and the change of models over HTTP: who may, shapes, statuses, progress, the log."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from gguf_files import sound
from sentiric_llama.errors import ModelInvalid

ADMIN = "key-of-the-operators"
KEY = "key-of-the-callers"
BEARER = {"Authorization": f"Bearer {ADMIN}"}
ROUTES = ("/v1/models/switch", "/v1/hardware/config")
CONFIG = "/v1/hardware/config"


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """Two profiles, "a" active."""
    model = tmp_path / "m.gguf"
    model.write_bytes(sound())
    named = {
        name: {"model_id": str(model), "display_name": name.upper(), "top_k": top_k,
               "templates": {"system_prompt": f"You are {name}."}}
        for name, top_k in (("a", 1), ("b", 2))
    }  # fmt: skip
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps({"active_profile": "a", "profiles": named, "note": "ours"}))
    return path


@pytest.fixture
def server(start: Any, profiles: Path) -> Any:
    return start(
        admin_key=ADMIN, profiles_path=str(profiles), profile="a", model_path=str(profiles) + ".x"
    )


def switch(server: Any, **body: Any) -> Any:
    return server.post("/v1/models/switch", body, BEARER)


# Who may


@pytest.mark.parametrize("path", ROUTES)
def test_off_without_an_admin_key(start: Any, path: str) -> None:
    server = start()
    for headers in ({}, BEARER):
        reply = server.post(path, {"profile": "a"}, headers)
        assert reply.status == 403 and reply.error["type"] == "permission_error"
        assert "LLM_LLAMA_SERVICE_ADMIN_KEY" in reply.error["message"]
    assert server.service.switch is None


@pytest.mark.parametrize("path", ROUTES)
def test_only_the_admin_key_opens(start: Any, path: str) -> None:
    open_server, locked = start(admin_key=ADMIN), start(admin_key=ADMIN, api_key=KEY)
    wrong = ({}, {"X-Api-Key": "x"}, {"Authorization": f"Bearer {KEY}"})
    assert [open_server.post(path, {}, headers).status for headers in wrong] == [401, 401, 401]
    assert [locked.post(path, {}, headers).status for headers in wrong] == [401, 401, 403]
    for server in (open_server, locked):
        assert server.service.switch is None
        for headers in (BEARER, {"X-Api-Key": ADMIN}):
            assert server.post(path, b"[", headers).status == 400  # it was read


def test_the_admin_key_is_good_for_everything_else(start: Any) -> None:
    server = start(admin_key=ADMIN, api_key=KEY)
    assert server.request("GET", "/v1/models", headers=BEARER).status == 200
    assert server.get("/v1/profiles").status == 401


def test_an_admin_key_alone_locks_nothing_else(server: Any) -> None:
    chat = {"messages": [{"role": "user", "content": "hello"}]}
    for headers in ({}, {"X-Api-Key": "x"}, BEARER):
        assert server.post("/v1/chat/completions", chat, headers).status == 200
        for path in ("/v1/models", "/v1/stats", "/v1/profiles", CONFIG):
            assert server.request("GET", path, headers=headers).status == 200, path


@pytest.mark.parametrize("path", ROUTES)
def test_a_listed_key_with_the_role_opens_and_other_roles_do_not(start: Any, path: str) -> None:
    keys = "app:user:u,scrape:metrics:m,both:user+metrics:b,ops:admin:a"
    for server in (start(api_keys=keys), start(api_keys=keys, admin_key=ADMIN)):
        statuses = [server.post(path, {}, {"X-Api-Key": key}).status for key in "xumb"]
        assert statuses == [401, 403, 403, 403]
        refused = server.post(path, {}, {"X-Api-Key": "m"})
        assert refused.error["code"] == "role_missing"
        assert refused.error["message"].endswith("the role admin")
        assert server.service.switch is None
        assert server.post(path, b"[", {"X-Api-Key": "a"}).status == 400


@pytest.mark.parametrize("path", ROUTES)
def test_keys_without_the_role_are_told_what_to_set(start: Any, path: str) -> None:
    for settings in ({"api_key": "k"}, {"metrics_key": "k"}, {"api_keys": "a:user:k,s:metrics:m"}):
        reply = start(**settings).post(path, {"profile": "a"}, {"X-Api-Key": "k"})
        assert reply.status == 403 and reply.error["code"] == "admin_disabled"
        assert "LLM_LLAMA_SERVICE_ADMIN_KEY" in reply.error["message"]


def test_a_listed_admin_alone_locks_the_api(start: Any) -> None:
    assert start(api_keys="ops:admin:a").get("/v1/models").status == 401


# Profiles


def test_the_file_with_the_true_active_profile(server: Any, profiles: Path) -> None:
    shown = server.request("GET", "/v1/profiles", headers=BEARER).json
    assert shown == json.loads(profiles.read_text())
    assert switch(server, profile="b").status == 200
    shown = server.request("GET", "/v1/profiles", headers=BEARER).json
    assert shown["active_profile"] == "b" and shown["note"] == "ours"
    assert json.loads(profiles.read_text())["active_profile"] == "a"  # nothing is written
    assert server.get("/health").json["current_profile"] == "b"
    assert server.get("/v1/models").json["data"][0]["profile"] == "b"


def test_others_see_names_without_prompts_and_paths(server: Any, profiles: Path) -> None:
    reply = server.get("/v1/profiles")
    assert set(reply.json["profiles"]) == {"a", "b"} and reply.json["active_profile"] == "a"
    assert reply.json["profiles"]["b"]["display_name"] == "B"
    for hidden in (b"You are", str(profiles.parent).encode(), b"ours", b"templates"):
        assert hidden not in reply.body


def test_why_a_switch_failed_is_for_admins(start: Any, profiles: Path) -> None:
    server = start(api_keys="app:user:u,ops:admin:a", profiles_path=str(profiles))
    server.fail = ModelInvalid(f"{profiles.parent}/m.gguf: secret", where="model")
    admin, user = ({"X-Api-Key": key} for key in "au")
    assert server.post("/v1/models/switch", {"profile": "b"}, admin).status == 500
    for headers, sees in ((admin, True), (user, False)):
        shown = server.request("GET", "/v1/stats", headers=headers)
        assert (str(profiles.parent).encode() in shown.body) is sees
        assert shown.json["switch"]["result"] == "failed"


def test_no_file_and_a_broken_one(start: Any, tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    server = start(profiles_path=str(path), admin_key=ADMIN)
    reply = server.request("GET", "/v1/profiles", headers=BEARER)
    assert reply.status == 404 and "No such file" in reply.error["message"]
    told = server.get("/v1/profiles")
    assert told.status == 404 and str(tmp_path) not in told.error["message"]
    assert told.error["code"] == "profiles_unavailable" and "PROFILES_PATH" in told.error["message"]
    assert switch(server, profile="a").status == 400
    path.write_text("{")
    broken = server.request("GET", "/v1/profiles", headers=BEARER)
    assert broken.status == 500 and "is not valid JSON" in broken.error["message"]
    assert server.get("/health").json["current_profile"] is None


# The change


def test_success(server: Any) -> None:
    first = server.engine
    reply = switch(server, profile="b")
    assert reply.status == 200
    assert reply.json.items() >= {"status": "success", "active_profile": "b"}.items()
    assert server.chat([{"role": "user", "content": "x"}]).status == 200 and not first.requests
    assert server.service.settings.default_top_k == 2
    assert server.get("/v1/models").json["data"][0]["id"] == "m"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Profile name required"),
        ({"profile": ""}, "Profile name required"),
        ({"profile": None}, "Profile name required"),
        ({"profile": 7}, "got 7, allowed a string"),
        ({"profile": "B"}, "no profile B; available: a, b"),
        ({"profile": "../b"}, "no profile ../b; available: a, b"),
    ],
)
def test_refusals(server: Any, body: Any, text: str) -> None:
    reply = server.post("/v1/models/switch", body, BEARER)
    assert reply.status == 400 and text in reply.error["message"]
    assert server.service.switch is None


def test_failure_in_both_shapes(server: Any) -> None:
    server.fail = ModelInvalid("no weights", where="model")
    reply = switch(server, profile="b")
    assert reply.status == 500 and reply.json["status"] == "error"
    assert "no weights" in reply.json["message"] and reply.error["code"] == "model_invalid"
    assert reply.json["result"] == "failed"
    assert server.get("/health").json["current_profile"] == "a"
    assert server.chat().status == 200


def test_progress_as_events(server: Any) -> None:
    reply = switch(server, profile="b", stream=True)
    assert reply.headers["content-type"].startswith("text/event-stream")
    *news, last, done = reply.events
    assert done == "[DONE]" and last["status"] == "success" and last["active_profile"] == "b"
    assert news and {item["profile"] for item in news} == {"b"}
    server.fail = ModelInvalid("no weights", where="model")
    assert switch(server, profile="a", stream=True).events[-2]["error"]["code"] == "model_invalid"
    shown = server.get("/v1/stats").json
    assert shown["switch"]["result"] == "failed" and shown["model"]["profile"] == "b"


def test_looking_changes_nothing(server: Any) -> None:
    before = server.service.attached
    for path in ("/v1/profiles", CONFIG, "/v1/models", "/health", "/v1/stats"):
        for method in ("GET", "HEAD"):
            assert server.request(method, path, headers=BEARER).status == 200
    for path in ROUTES[:1]:
        assert server.request("GET", path, headers=BEARER).status == 404
    assert server.service.attached is before and server.service.switch is None


# Hardware


def test_the_hardware_of_now(server: Any) -> None:
    assert switch(server, profile="b").status == 200
    shown = server.request("GET", CONFIG, headers=BEARER).json
    assert server.get(CONFIG).json == shown | {"template_system_prompt": None}
    assert shown == {
        "profile_name": "b", "model_id": "m", "gpu_layers": -1, "context_size": 4096,
        "threads": 1, "threads_batch": 0, "physical_batch_size": 512, "max_batch_size_slots": 4,
        "kv_offload": True, "use_mmap": True, "enable_dynamic_batching": True,
        "template_system_prompt": "You are b.",
    }  # fmt: skip


def test_other_hardware(server: Any) -> None:
    assert switch(server, profile="b").status == 200
    body = {"gpu_layers": 5, "context_size": 1024, "kv_offload": False}
    reply = server.post(CONFIG, body, BEARER)
    assert reply.status == 200 and reply.json["status"] == "success"
    settings = server.service.settings
    assert (settings.gpu_layers, settings.context_size, settings.kv_offload) == (5, 1024, False)
    assert settings.profile == "b" and settings.default_top_k == 2
    assert server.post(CONFIG, {}, BEARER).status == 200  # the defaults of the contract
    assert server.service.settings.gpu_layers == -1 and server.service.settings.kv_offload
    server.fail = ModelInvalid("too large", where="model")
    failed = server.post(CONFIG, {"gpu_layers": 1}, BEARER)
    assert failed.status == 500 and failed.json["status"] == "error"
    assert server.service.settings.gpu_layers == -1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"gpu_layers": -2}, "[gpu_layers] out of range; got -2, allowed an integer -1..10000"),
        ({"gpu_layers": "all"}, "[gpu_layers] wrong type; got a string"),
        ({"gpu_layers": "5"}, "[gpu_layers] wrong type; got a string"),
        ({"gpu_layers": True}, "[gpu_layers] wrong type; got true"),
        ({"context_size": 2**30}, "[context_size] out of range"),
        ({"context_size": 3}, "[context_size] out of range; got 3, allowed 0 or an integer 16.."),
        ({"context_size": "4096"}, "[context_size] wrong type"),
        ({"kv_offload": "true"}, "[kv_offload] got a string of 4 characters, allowed true or"),
        ({"kv_offload": 1}, "[kv_offload] got 1, allowed true or false"),
        ({"kv_offload": "yes"}, "[kv_offload] got a string of 3 characters, allowed true or"),
        ({"gpu_layers": "-1"}, "[gpu_layers] wrong type; got a string of 2 characters"),
        ({"context_size": "512"}, "[context_size] wrong type; got a string of 3 characters"),
    ],
)
def test_wrong_hardware(server: Any, body: Any, text: str) -> None:
    reply = server.post(CONFIG, body, BEARER)
    assert reply.status == 400 and text in reply.error["message"]
    assert reply.error["param"] == next(iter(body))
    assert server.service.switch is None


@pytest.mark.parametrize("name", ["gpu_layers", "context_size", "kv_offload"])
def test_a_wrong_string_is_not_repeated(server: Any, name: str) -> None:
    reply = server.post(CONFIG, {name: "canary-7"}, BEARER)
    assert (reply.status, reply.error["param"]) == (400, name)
    assert b"canary" not in reply.body


def test_what_does_not_change_hardware_is_named(server: Any) -> None:
    assert switch(server, profile="b").status == 200
    body = {"gpu_layers": 5.0, "gpu_layer": 1, "context_size": None}
    reply = server.post(CONFIG, body, BEARER)
    assert reply.status == 200 and reply.headers["x-ignored-fields"] == "gpu_layer"
    assert server.service.settings.gpu_layers == 5
    for stream in (False, True):
        reply = switch(server, profile="b", stream=stream, zeta=1)
        assert reply.status == 200 and reply.headers["x-ignored-fields"] == "zeta"


# What it leaves behind


def test_log_and_count(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert switch(server, profile="b").status == 200
        server.fail = ModelInvalid("no weights", where="model")
        assert switch(server, profile="a").status == 500
    records = [r for r in caplog.records if getattr(r, "event", "").startswith("MODEL_SWITCH")]
    names = [(r.event, r.attributes["profile"], r.attributes.get("result")) for r in records]
    assert names == [
        ("MODEL_SWITCH_START", "b", None), ("MODEL_SWITCHED", "b", "ok"),
        ("MODEL_SWITCH_START", "a", None), ("MODEL_SWITCH_FAILED", "a", "failed"),
    ]  # fmt: skip
    assert {r.attributes["who"] for r in records} == {"127.0.0.1"}
    assert ADMIN not in caplog.text
    assert server.service.request_metrics.switches == {"ok": 1, "failed": 1}
