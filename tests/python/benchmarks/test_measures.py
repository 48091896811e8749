# SPDX-License-Identifier: AGPL-3.0-only
"""Numbers of the benchmarks: percentiles, pairs, goals, counts."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.client import Answer, RequestFailed, _events, _read
from benchmarks.measures import is_met, of_answers, percentile, summarise
from benchmarks.prompts import Writer, body
from benchmarks.scenario import Figure, Round, WrongCount, compare


def answer(stamps: tuple[float, ...] = (1.0, 2.0, 4.0), **changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "sent_at": 0.0,
        "ended_at": 5.0,
        "stamps": stamps,
        "text": "a b c",
        "finish_reason": "length",
        "prompt_tokens": 10,
        "cached_tokens": 4,
        "completion_tokens": 3,
    }
    return Answer(**fields | changes)


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0
    assert percentile([7.0], 0.01) == 7.0
    assert percentile([], 0.5) == 0.0


def test_an_answers_times() -> None:
    one = answer()
    assert one.ttft_s == 1.0
    assert one.gaps_s == [1.0, 2.0]
    assert one.decode_tok_s == pytest.approx(2 / 3)


def test_answers_side_by_side() -> None:
    later = answer((2.0, 3.0), sent_at=1.0, ended_at=7.0, completion_tokens=4)
    metrics = of_answers([answer(), later])
    assert metrics["wall_s"] == 7.0
    assert metrics["tok_s"] == 1.0
    assert metrics["ttft_p50_s"] == 1.0
    assert metrics["gap_max_s"] == 2.0
    assert metrics["prefill_tokens"] == 12


def test_a_wrong_number_of_tokens_fails() -> None:
    assert of_answers([answer()], max_tokens=3)["completion_tokens"] == 3
    with pytest.raises(WrongCount, match=r"got \[3\], wanted 4"):
        of_answers([answer()], max_tokens=4)


def rounds(*pairs: tuple[float, float]) -> list[Round]:
    return [{"ours": {"x": ours}, "llama-server": {"x": other}} for ours, other in pairs]


def test_a_ratio_is_the_median_of_the_pairs_and_not_of_the_medians() -> None:
    summary = summarise(compare("x", "s", "x", ">= 2.0"), rounds((2, 1), (30, 10), (4, 4)))
    assert summary is not None
    assert (summary.ratio, summary.low, summary.high) == (2.0, 1.0, 3.0)
    assert (summary.ours, summary.other) == (4, 4)
    assert summary.met is True


def test_differences_and_figures_that_stand_alone() -> None:
    figure = Figure("x", "MiB", "ours.x", "llama-server.x", "<= 60", difference=True)
    difference = summarise(figure, rounds((200, 130), (180, 170)))
    assert difference is not None
    assert (difference.kind, difference.ratio, difference.met) == ("difference", 40, True)
    alone = summarise(Figure("x", "s", "ours.x", goal="<= 1.5"), rounds((1.6, 9)))
    assert alone is not None
    assert (alone.kind, alone.ratio, alone.met, alone.other_side) == ("value", 1.6, False, "")


def test_what_was_not_measured_is_no_figure() -> None:
    assert summarise(compare("y", "s", "y"), rounds((1, 1))) is None
    assert summarise(compare("x", "s", "x"), [{"ours": {"x": 1.0}}]) is None


def test_goals() -> None:
    assert is_met(1.0, ">= 1.0") is True
    assert is_met(0.21, "<= 0.2") is False
    assert is_met(5, "") is None


def test_both_sides_of_a_pair_get_the_same_prompts_and_no_other_pair_does() -> None:
    words = [f"word{index}" for index in range(200)]
    first, again, other = Writer(words, 1), Writer(words, 1), Writer(words, 2)
    texts = [writer.text(40) for writer in (first, again, other)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0].split()) == 40
    assert first.text(40) != texts[0]


def test_sampling_is_written_out() -> None:
    request = body("hello", max_tokens=5, temperature=0.0)
    assert (request["temperature"], request["repeat_penalty"]) == (0.0, 1.0)
    assert request["ignore_eos"] is True
    assert [message["role"] for message in request["messages"]] == ["system", "user"]


EVENTS = (
    b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{"content":"b"}',
    b'}]}\n\ndata: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
)


def test_an_event_counts_when_its_last_byte_arrives() -> None:
    pieces = [(float(at), piece) for at, piece in enumerate(EVENTS)]
    read = _read(0.0, 4.0, list(_events(pieces)))
    assert read.stamps == (1.0, 2.0)
    assert (read.text, read.finish_reason) == ("ab", "length")
    assert (read.prompt_tokens, read.cached_tokens, read.completion_tokens) == (9, 0, 2)


def test_a_stream_without_its_end_fails() -> None:
    with pytest.raises(RequestFailed, match="no usage"):
        _read(0.0, 1.0, list(_events([(0.0, EVENTS[0] + EVENTS[1])])))
    with pytest.raises(RequestFailed, match="error event"):
        _read(0.0, 1.0, [(0.0, {"error": {"message": "full"}})])
