# SPDX-License-Identifier: AGPL-3.0-only
"""Settings: every field at and over its limits, names, aliases, and refusals that help."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.access.api_key import ROLES, Identity
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host import environment
from sentiric_llama.service.slow_reader import STALL_S
from sentiric_llama.settings import exposure, load
from sentiric_llama.settings.config import PREFIX, Settings, describe_fields
from sentiric_llama.settings.load import load_settings

ROOT = Path(__file__).parents[3]
FIELDS = {field.name: field for field in describe_fields()}
RANGES = {
    name: re.search(r"(above )?(-?[\d.]+)\.\.(-?[\d.]+)$", field.allowed)
    for name, field in FIELDS.items()
}
NUMBERS = {name: match for name, match in RANGES.items() if match}
COMPANIONS = {"prefill_chunk": {"batch_size": "65536"}, "speculation": {"draft_model": "guide"}}
"""What must be set with a setting, so that each of its values is possible."""
CHOICES = {name: f.allowed.split(" | ") for name, f in FIELDS.items() if " | " in f.allowed}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX) or name == "ENV":
            monkeypatch.delenv(name)


def test_every_field_is_documented() -> None:
    assert set(FIELDS) == set(Settings.model_fields)
    for field in FIELDS.values():
        assert field.help and field.allowed and field.env[0].startswith(PREFIX)


def test_defaults() -> None:
    settings = load_settings()
    assert (settings.host, settings.http_port) == ("127.0.0.1", 16070)
    assert settings.default_temperature == 0.8 and settings.default_max_tokens == 1024
    assert settings.default_top_k == 40 and settings.default_top_p == 0.95
    assert settings.default_repeat_penalty == 1.1 and settings.default_min_p == 0.05
    assert settings.request_timeout_ms == 600_000 and settings.truncation == "drop_turns"
    assert settings.max_body_bytes == 8 * 2**20 and settings.max_connections == 1024


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_at_and_over_their_limits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    field = FIELDS[name]
    is_open, low, high = NUMBERS[name].groups()
    is_integer = field.allowed.startswith("an integer")
    good = [high] if is_open else [low, high]
    others = COMPANIONS.get(name, {})
    for text in good:
        monkeypatch.setenv(field.env[0], text)
        assert getattr(load_settings(**others), name) == float(text)
    below = str(int(low) - 1) if is_integer else str(float(low) - 0.1)
    above = str(int(high) + 1) if is_integer else str(float(high) + 0.1)
    for text in [low if is_open else below, above, "x", "nan", "inf", "1e999", "[1]", "0x10"]:
        monkeypatch.setenv(field.env[0], text)
        with pytest.raises(InvalidArgument) as caught:
            load_settings()
        message = str(caught.value)
        assert field.env[0] in message and repr(text) in message and field.allowed in message


@pytest.mark.parametrize("name", CHOICES)
def test_choices(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    field = FIELDS[name]
    others = COMPANIONS.get(name, {})
    for text in CHOICES[name]:
        monkeypatch.setenv(field.env[0], text)
        load_settings(**({} if text == "ngram" else others))
    monkeypatch.setenv(field.env[0], "maybe")
    with pytest.raises(InvalidArgument, match=re.escape(field.allowed)):
        load_settings()


@pytest.mark.parametrize("text", ["prod", "dev", "Productoin", "staging", "1"])
def test_no_misspelled_environment_is_development(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV", text)
    with pytest.raises(InvalidArgument, match=r"ENV: got '.*', allowed development \| production"):
        load_settings()
    monkeypatch.setenv("ENV", "Production")
    assert load_settings().env == "production"
    monkeypatch.setenv("ENV", "/etc/shrc")  # the start file of a POSIX shell
    assert load_settings().env == "development"


def test_every_text_setting_is_one_that_takes_any_text() -> None:
    """A new choice must be a Literal, or a misspelled one would mean something else silently."""
    open_ended = ("host", "path", "dir", "id", "filename", "revision", "sha256", "alias", "model")
    open_ended += ("profile", "prompt", "prompt_low", "prompt_high", "key", "keys", "names")
    open_ended += ("hosts", "origins", "file")
    texts = [name for name, field in FIELDS.items() if field.allowed == "text"]
    assert not [name for name in texts if not name.endswith(open_ended)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"http_port": "9", "grpc_port": "9"}, ["HTTP and gRPC", "port 9", "--http-port"]),
        ({"http_port": "16072"}, ["HTTP and metrics", "--metrics-port"]),
        ({"prefill_chunk": "4096"}, ["--prefill-chunk: got 4096", "--batch-size, which is 2048"]),
        ({"contexts": "64", "batch_size": "32"}, ["--contexts: got 64", "--batch-size"]),
        (
            {"cache_type_v": "q8_0", "flash_attention": "off"},
            ["--cache-type-v q8_0 needs flash attention", "--flash-attention is off"],
        ),
        ({"kv_cells": "512", "kv_layout": "split"}, ["--kv-cells: got 512", "--kv-layout"]),
        ({"speculation": "draft"}, ["--speculation is draft", "--draft-model"]),
        ({"speculation": "ngram", "draft_model": "guide"}, ["ngram", "--draft-model"]),
        ({"context_size": "8"}, ["--context-size: got '8', allowed 0 or an integer 16..1048576"]),
    ],
)
def test_values_that_exclude_each_other(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        load_settings(**given)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert load_settings(metrics_enabled=False, http_port=16072).http_port == 16072


def test_conflicts_name_the_key_that_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "GRPC_PORT", "9")
    with pytest.raises(InvalidArgument, match=rf"change --http-port and {PREFIX}GRPC_PORT"):
        load_settings(http_port="9")


def test_the_engine_has_no_narrower_ranges_of_its_own() -> None:
    """What `cpp/engine/open.cpp` refuses is refused before, under the setting's name."""
    from sentiric_llama.settings.sections import engine

    source = (ROOT / "cpp/engine/open.cpp").read_text("utf-8")
    found = re.findall(r'range\.Check\("(\w+)", config\.\w+, (-?\d+), ([\d<< ]+)\)', source)
    ranges = {name: (int(low), shifted(high)) for name, low, high in found}
    assert len(ranges) >= 10
    for name, (low, high) in ranges.items():
        if name == "context_size":
            assert low == engine.SMALLEST_CONTEXT and high >= engine.LARGEST_CONTEXT
            continue
        match = NUMBERS[name]
        assert int(match[2]) >= low and int(match[3]) <= high, name


def test_the_help_names_the_limit_of_the_protocols() -> None:
    assert f"takes no byte for {STALL_S:g} s" in FIELDS["reader_wait_ms"].help


def shifted(text: str) -> int:
    """`1 << 16` and `1024`."""
    number, _, by = text.partition("<<")
    return int(number) << int(by or 0)


def test_all_problems_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "HTTP_PORT", "70000")
    monkeypatch.setenv(PREFIX + "KV_LAYOUT", "odd")
    with pytest.raises(InvalidArgument) as caught:
        load_settings(gpu_layers="many")
    for part in (PREFIX + "HTTP_PORT", PREFIX + "KV_LAYOUT", "--gpu-layers: got 'many'"):
        assert part in str(caught.value)


def test_precedence_and_empty_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "HTTP_PORT", "")
    assert load_settings().http_port == 16070
    monkeypatch.setenv(PREFIX + "HTTP_PORT", "1000")
    assert load_settings().http_port == 1000
    assert load_settings(http_port=2000).http_port == 2000


def test_threads_is_the_old_name_of_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load.environment_warnings() == []
    monkeypatch.setenv(PREFIX + "THREADS", "7")
    assert load_settings().contexts == 7
    (line,) = load.environment_warnings()
    assert "THREADS is deprecated" in line and "CONTEXTS" in line
    monkeypatch.setenv(PREFIX + "CONTEXTS", "3")
    assert load_settings().contexts == 3
    monkeypatch.delenv(PREFIX + "CONTEXTS")
    monkeypatch.setenv(PREFIX + "THREADS", "0")
    with pytest.raises(InvalidArgument, match=PREFIX + "THREADS"):
        load_settings()


def test_settings_are_frozen_and_hide_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(api_key="secret-key")
    assert "secret-key" not in repr(settings) + str(settings) + settings.model_dump_json()
    with pytest.raises(Exception, match="frozen"):
        settings.http_port = 1  # type: ignore[misc]
    with pytest.raises(InvalidArgument) as caught:
        load_settings(api_key="")
    assert "(hidden)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at least one"),
        ("# remark", "at least one"),
        ("a:user:hush\nb:root:hush", "entry 2"),
        ("a:user:", "entry 1"),
        ("a:user+:hush", "entry 1"),
        ("a:hush", "entry 1"),
        (":user:hush", "entry 1"),
        ("a b:user:hush", "entry 1"),
        ("a:user:hush,a:metrics:hush2", "each name once"),
        ("a:user:hush,b:metrics:hush", "each key once"),
    ],
)
def test_a_wrong_list_of_keys_is_explained_without_them(text: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason) as caught:
        load_settings(api_keys=text)
    assert "hush" not in str(caught.value) and "api-keys" in str(caught.value)


def test_keys_and_their_roles() -> None:
    ring = exposure.key_ring(load_settings(api_keys="a:user:k:1\nb:metrics:k2", metrics_key="k3"))
    assert ring.locks("user") and ring.locks("metrics") and not ring.locks("admin")
    found = {
        key: ring.identify([(b"x-api-key", key)]) for key in (b"k:1", b"k2", b"k3", b"k", b"k4")
    }
    assert [i and (i.name, sorted(i.roles)) for i in found.values()] == [
        ("a", ["user"]),
        ("b", ["metrics"]),
        ("metrics-key", ["metrics"]),
        None,
        None,
    ]
    assert not exposure.key_ring(load_settings()).locks("user")
    admin = exposure.key_ring(load_settings(admin_key="k4"))
    found[b"k4"] = admin.identify([(b"x-api-key", b"k4")])
    assert found[b"k4"] == Identity("admin-key", frozenset({"admin"}))
    assert admin.opens("admin") and admin.opens("user") and not ring.opens("admin")
    assert not any(admin.locks(role) for role in ROLES)
    assert "k2" not in repr(list(found.values())) + repr(vars(ring))


def test_lists() -> None:
    settings = load_settings(cors_origins="https://a.example, https://b.example,", model_alias="x")
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.model_alias == ("x",)


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("127.0.0.1", False),
        ("127.5.5.5", False),
        ("localhost", False),
        ("::1", False),
        ("[::1]", False),
        ("0.0.0.0", True),
        ("::", True),
        ("192.168.1.4", True),
        ("my-host.example", True),
    ],
)
def test_public_addresses(host: str, public: bool) -> None:
    assert exposure.is_public_address(host) is public
    assert bool(exposure.binding_warnings(load_settings(host=host))) is public
    assert exposure.binding_warnings(load_settings(host=host, api_key="k")) == []
    production = load_settings(host=host, env="Production")
    if public:
        with pytest.raises(InvalidArgument, match="API_KEY"):
            exposure.binding_warnings(production)
    else:
        assert exposure.binding_warnings(production) == []


def test_every_port_that_is_open_to_the_network_has_a_word() -> None:
    warned = exposure.exposure_warnings
    lines = warned(load_settings(host="0.0.0.0"))
    assert [
        word
        for line in lines
        for word in ("API_KEY", "TLS", "METRICS_KEY")
        if PREFIX + word in line
    ] == ["API_KEY", "TLS", "METRICS_KEY"]
    assert warned(load_settings()) == []
    settings = load_settings(host="0.0.0.0", tls="auto", api_key="k", metrics_key="m")
    assert warned(settings) == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "cors_origins",
            ["*", "null", "https://a.example", "http://[::1]:8000,chrome-extension://abc"],
            ["app.example", "https://a.example/", "https://a b", "https://"],
        ),
        (
            "allowed_hosts",
            ["*", "*.a.example", "a_b.example", "10.1.2.3", "[::1]", "fe80::1"],
            ["http://x", "x y", "a.example:80", "a/b", "*.", "**", "x.*"],
        ),
    ],
)
def test_hosts_and_origins_have_a_form(name: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert getattr(load_settings(**{name: text}), name)
    for text in bad:
        with pytest.raises(InvalidArgument, match=r"allowed .*example") as caught:
            load_settings(**{name: text})
        assert str(caught.value).count("got ") == str(caught.value).count("allowed ") == 1


@pytest.mark.parametrize(
    ("given", "warns"),
    [
        ({}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "0.0.0.0", "metrics_key": "k"}, False),
        ({"host": "0.0.0.0", "api_keys": "a:metrics:k"}, False),
        ({"host": "0.0.0.0", "api_keys": "a:user:k"}, True),
        ({"host": "0.0.0.0", "metrics_enabled": False}, False),
    ],
)
def test_open_metrics_are_told(given: dict[str, Any], warns: bool) -> None:
    lines = exposure.metrics_warnings(load_settings(**given))
    assert bool(lines) is warns and all("METRICS_KEY" in line for line in lines)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours(environ: dict[str, str], wanted: bool) -> None:
    assert environment.colours_wanted(environ) is wanted


def test_unknown_setting_gets_a_suggestion() -> None:
    with pytest.raises(InvalidArgument, match="unknown setting context_sise; did you mean c"):
        load_settings(context_sise=1)


def test_field_help_reads_well() -> None:
    field: Any = FIELDS["contexts"]
    assert field.flag == "--contexts" and field.allowed == "an integer 1..256"
    assert FIELDS["default_repeat_penalty"].allowed == "a number 0.01..2"
    assert FIELDS["use_mmap"].allowed == "true | false" and FIELDS["use_mmap"].is_bool
