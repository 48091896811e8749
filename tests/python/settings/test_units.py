# SPDX-License-Identifier: AGPL-3.0-only
"""Sizes and durations as people write them."""

from __future__ import annotations

import pytest

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.load import load_settings
from sentiric_llama.settings.units import plain_value, unit_of


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_body_bytes", "8MB", 8_000_000),
        ("max_body_bytes", "8MiB", 8 * 2**20),
        ("max_body_bytes", "1.5 KiB", 1536),
        ("max_body_bytes", "2048", "2048"),
        ("queue_wait_ms", "30s", 30_000),
        ("queue_wait_ms", "1m30s", 90_000),
        ("queue_wait_ms", "1h 5m", 3_900_000),
        ("queue_wait_ms", "250ms", 250),
        ("queue_wait_ms", "0.5s", 500),
        ("drain_timeout_s", "1500ms", 1.5),
        ("drain_timeout_s", "2min", 120),
        ("context_size", "8k", 8192),
        ("context_size", "32K", 32768),
        ("queue_wait_ms", "30", "30"),
        ("queue_wait_ms", 30, 30),
        ("queue_wait_ms", "soon", "soon"),
        ("queue_wait_ms", "1x", "1x"),
        ("queue_wait_ms", "1s2", "1s2"),
        ("max_body_bytes", "8 parsecs", "8 parsecs"),
        ("context_size", "8kB", "8kB"),
        ("contexts", "8k", "8k"),
        ("model_id", "8k", "8k"),
    ],
)
def test_values(name: str, text: object, value: object) -> None:
    assert plain_value(name, text) == value


def test_units_reach_the_settings_and_their_refusals() -> None:
    settings = load_settings(max_body_bytes="1MB", queue_wait_ms="2s", context_size="2k")
    assert settings.max_body_bytes == 1_000_000
    assert (settings.queue_wait_ms, settings.context_size) == (2000, 2048)
    with pytest.raises(InvalidArgument, match=r"--queue-wait-ms: got '2 weeks', allowed .*30s, 5m"):
        load_settings(queue_wait_ms="2 weeks")
    with pytest.raises(InvalidArgument, match=r"got '9GB', allowed an integer 1024..268435456"):
        load_settings(max_body_bytes="9GB")


def test_every_number_of_bytes_or_time_has_a_unit() -> None:
    for name in Settings.model_fields:
        if name.endswith(("_bytes", "_ms", "_s")):
            assert unit_of(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("context_size", "\uff18k"),
        ("context_size", "9" * 5000 + "k"),
        ("context_size", "1_0k"),
        ("contexts", "1_0"),
        ("contexts", "\u0663"),
        ("contexts", "9" * 5000),
        ("max_body_bytes", "\uff18MB"),
        ("max_body_bytes", "9" * 5000 + "MB"),
        ("queue_wait_ms", "\uff13s"),
        ("queue_wait_ms", "9" * 5000 + "s"),
        ("queue_wait_ms", "3_0s"),
        ("drain_settle_s", "1_0"),
        ("drain_settle_s", "nan"),
        ("drain_settle_s", "inf"),
        ("default_top_p", "0.\uff19"),
        ("default_top_p", "1_0e-1"),
    ],
)
def test_numbers_are_written_in_ascii_digits(name: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"got '.+'.*, allowed an? ") as caught:
        load_settings(**{name: text})
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["4", " 4 ", "+4", "4.0", "04"])
def test_other_ways_to_write_a_number_stay(text: str) -> None:
    assert load_settings(contexts=text).contexts == 4


def test_a_list_names_its_wrong_value_once() -> None:
    with pytest.raises(InvalidArgument) as caught:
        load_settings(allowed_hosts="good.example,a b\nc")
    assert caught.value.what.startswith(r"--allowed-hosts: got 'a b\nc', allowed host names")
    assert caught.value.what.count("got ") == 1
