# SPDX-License-Identifier: AGPL-3.0-only
"""Runs with sides that need no server: order, failures, files, the table, pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks import plot, results, table
from benchmarks.__main__ import chosen, finish, main, without_place
from benchmarks.runner import Outcome, run_one
from benchmarks.scenario import Metrics, OtherBuild, Run, Scenario, Side, WrongCount, compare, sizes
from benchmarks.scenarios import CATALOGUE
from benchmarks.scenarios.decoding import check_document, long_keys
from benchmarks.shapes import SHAPES, ModelSpec, parse_spec

RUN = Run(size="quick", pairs=3, seed=1)


class Clock:
    """A side that answers with the next of its numbers and writes down what happens to it."""

    def __init__(self, name: str, numbers: Sequence[float], diary: list[str]) -> None:
        self._name = name
        self._numbers = list(numbers)
        self._diary = diary

    def resume(self) -> None:
        self._diary.append(f"{self._name} goes")

    def pause(self) -> None:
        self._diary.append(f"{self._name} stands")

    def next(self) -> float:
        self._diary.append(f"{self._name} is measured")
        return self._numbers.pop(0)


class Counting(Scenario):
    """Ours is twice the other; a third pair is there or fails."""

    name = "counting"
    title = "numbers"
    figures = (compare("speed", "tok/s", "7", ">= 1.5"), compare("other", "s", "missing"))
    loads = sizes(standard={"tokens": 8}, quick={"tokens": 2})
    curve = ("streams", "tok/s")

    def __init__(self, *numbers: float) -> None:
        self.diary: list[str] = []
        self._numbers = numbers or (2.0, 4.0, 6.0)

    def spec(self, run: Run) -> ModelSpec:
        return ModelSpec("tiny")

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        return {
            "ours": Clock("ours", self._numbers, self.diary),
            "llama-server": Clock("peer", (1.0, 2.0, 3.0), self.diary),
        }

    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        if (value := side.next()) < 0:
            raise WrongCount("tokens; got 1, wanted 2")
        return {"7": value, "14": 2 * value}


def outcome(*numbers: float) -> Outcome:
    return run_one(Counting(*numbers), RUN)


def document(*outcomes: Outcome) -> dict[str, Any]:
    return results.document(results.opening(RUN, ["counting"]), outcomes)


def test_sides_take_turns_and_only_one_runs() -> None:
    scenario = Counting()
    run_one(scenario, RUN)
    turn = [f"{name} {what}" for name in ("ours", "peer") for what in DIARY]
    assert scenario.diary == turn * 3


DIARY = ("goes", "is measured", "stands")


def test_a_run_keeps_every_sample() -> None:
    found = outcome()
    assert [sides["ours"]["7"] for sides in found.rounds] == [2.0, 4.0, 6.0]
    assert [(figure.label, figure.ratio, figure.met) for figure in found.figures] == [
        ("speed", 2.0, True)
    ]
    assert (found.load, found.model, found.failure) == ({"tokens": 2}, "tiny-Q8_0", "")


def test_a_failed_pair_leaves_those_before_it() -> None:
    found = outcome(2.0, -1.0)
    assert found.failure == "WrongCount: tokens; got 1, wanted 2"
    assert len(found.rounds) == 1
    assert found.figures[0].ratio == 2.0


def test_another_build_takes_the_place_of_the_peer(capsys: pytest.CaptureFixture[str]) -> None:
    class AgainstBuild(Counting):
        def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
            sides = super().sides(stack, run)
            return {"ours": sides["ours"], "a1b2c3": sides["llama-server"]}

    found = run_one(AgainstBuild(), replace(RUN, against=OtherBuild("a1b2c3", sys.executable)))
    assert [(line.other_side, line.ratio, line.goal) for line in found.figures] == [
        ("a1b2c3", 2.0, "")
    ]
    assert main(["memory", "--against", f"a1b2c3={sys.executable}"]) == 2
    assert "cannot be used with memory; allowed single, " in capsys.readouterr().err
    for build in (
        "ours=true",
        "v1.2=true",
        "a/b=true",
        "=true",
        "a=",
        "a=/tmp",
        "a=no-such-program",
    ):
        with pytest.raises(SystemExit):
            main(["single", "--against", build])
    assert without_place("--against=a1b2c3=/somewhere/bin/python") == "--against=a1b2c3"


def test_a_missed_goal_is_no_failure() -> None:
    found = outcome(0.1, 0.1, 0.1)
    assert found.figures[0].met is False
    assert found.failure == ""


def test_unequal_prompts_fail() -> None:
    with pytest.raises(WrongCount, match="prompt tokens differ"):
        Counting().check([{"ours": {"prompt_tokens": 1}, "llama-server": {"prompt_tokens": 2}}])


def test_a_result_says_what_it_depends_on(tmp_path: Path) -> None:
    path = results.write(document(outcome()), tmp_path)
    read = results.read(path)
    assert set(read["machine"]) >= {"cpu", "cpu_flags", "cores", "load_average_at_start"}
    assert set(read["commits"]) == {"ours", "ours_modified", "llama_cpp", "engine"}
    assert {"size", "threads", "pairs", "seed", "device", "command"} <= set(read)
    assert str(Path.home()) not in path.read_text() or Path.home() == Path("/")


def test_a_file_of_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"schema": 0}')
    with pytest.raises(ValueError, match="another schema"):
        results.read(path)


def test_only_failures_change_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results.write, "__defaults__", (tmp_path,))
    monkeypatch.setattr("benchmarks.tools.ROOT", tmp_path)
    head = results.opening(RUN, [])
    assert finish(head, [outcome(0.1, 0.1, 0.1)], write_readme=False) == 0
    assert finish(head, [outcome(), outcome(-1.0)], write_readme=False) == 1


def test_the_table_stands_between_its_markers(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"above\n{table.BEGIN}\nold\n{table.END}\nbelow\n", encoding="utf-8")
    table.update([document(outcome(), outcome(2.0, -1.0))], readme)
    text = readme.read_text("utf-8")
    assert text.startswith("above\n")
    assert text.endswith("\nbelow\n")
    assert "old" not in text
    assert "× 2.00 (2.00 to 2.00) | 1 | >= 1.5 ✓ |" in text
    assert "failed" in text
    assert "![counting](results/counting.svg)" in text


def test_the_later_of_two_measurements_counts() -> None:
    text = table.render([document(outcome(1.0, 1.0, 1.0)), document(outcome())])
    assert text.count("**counting**") == 1
    assert "× 2.00" in text


def test_a_readme_without_markers_is_left_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing here")
    with pytest.raises(ValueError, match="markers"):
        table.update([document(outcome())], readme)
    assert readme.read_text() == "nothing here"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.000"), (0.0521, "0.052"), (1.5, "1.50"), (61.6, "61.6"), (432, "432")],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert table.number(value) == shown


def test_a_curve_is_drawn_from_the_numbered_metrics(tmp_path: Path) -> None:
    rounds = [{"ours": {"8": 2.0, "1": 1.0, "8_ttft_p50_s": 9.0}}, {"ours": {"8": 4.0, "1": 1.0}}]
    assert plot.points(rounds, "ours") == [(1.0, 1.0), (8.0, 3.0)]
    pytest.importorskip("matplotlib")
    (path,) = plot.draw_all(json.loads(json.dumps(document(outcome()))), tmp_path)
    assert "<svg" in path.read_text()


def document_answer(text: str, reason: str = "stop") -> Any:
    return type("Answer", (), {"text": text, "finish_reason": reason})()


def test_a_json_document_must_be_whole() -> None:
    schema = long_keys(4, seed=1)
    whole = json.dumps(dict.fromkeys(schema["properties"], 1))
    check_document(document_answer(whole), schema)
    with pytest.raises(WrongCount, match="did not end"):
        check_document(document_answer(whole, "length"), schema)
    with pytest.raises(WrongCount, match="keys"):
        check_document(document_answer("{}"), schema)


def test_every_scenario_is_complete() -> None:
    for scenario in CATALOGUE.values():
        for size in ("quick", "standard", "spec"):
            run = Run(size=size)
            assert scenario.spec(run).shape in SHAPES
            scenario.load(run)
        assert scenario.figures


def test_another_model_replaces_the_large_one_where_it_can() -> None:
    run = Run(big=ModelSpec("llama-3.2-1b", "Q4_0"))
    used = {name: scenario.spec(run).name for name, scenario in CATALOGUE.items()}
    assert used["shared8"] == used["single-in-process"] == "llama-3.2-1b-Q4_0"
    assert used["copy"] == "qwen2.5-0.5b-Q8_0-recite"
    assert used["sampling16"] == "sampling-Q8_0"
    assert used["gpu-8b"] == "llama-3.1-8b-Q8_0"
    smaller = Run(big=ModelSpec("qwen2.5-0.5b", "Q4_K_M"))
    assert CATALOGUE["json"].spec(smaller).name == "qwen2.5-0.5b-Q4_K_M-long-words"


def test_scenarios_are_chosen_by_name_or_by_device() -> None:
    assert [scenario.name for scenario in chosen(["json", "single"], "cpu")] == ["json", "single"]
    assert {scenario.name for scenario in chosen([], "cuda")} == {"gpu-1b", "gpu-8b"}
    with pytest.raises(ValueError, match="unknown scenario"):
        chosen(["sigle"], "cpu")


def test_a_wrong_word_says_what_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sigle"]) == 2
    assert "allowed single, " in capsys.readouterr().err


def test_models_are_named_by_shape_type_and_wiring() -> None:
    assert parse_spec("tiny").name == "tiny-Q8_0"
    assert parse_spec("quick:Q4_K_M:recite") == ModelSpec("quick", "Q4_K_M", "recite")
    with pytest.raises(ValueError, match="allowed"):
        parse_spec("tiny:Q9")
