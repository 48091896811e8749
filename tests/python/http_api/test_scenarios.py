# SPDX-License-Identifier: AGPL-3.0-only
"""`scenarios` against a server whose model follows a script: results, CSV, codes, profiles."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gguf_files import sound
from sentiric_llama import cli
from sentiric_llama.client.scenarios.check import Check
from sentiric_llama.client.scenarios.result import HEADER, Result, csv_text
from sentiric_llama.client.scenarios.suite import Suite, load_suites
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import InvalidArgument, ModelInvalid
from sentiric_llama.locale import messages
from sentiric_llama.types import Delta, Request

ADMIN = "key-of-the-operators"
SUITES = load_suites()
TURNS = [turn for suite in SUITES for test in suite.tests for turn in test.turns]
NUM_RESULTS = sum(test.rounds for suite in SUITES for test in suite.tests)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    messages.set_language("en")
    yield
    messages.set_language("en")


def knows_all(request: Request) -> str:
    """What the suites want to hear."""
    asked = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    check = next((turn.check for turn in TURNS if turn.say in asked), Check())
    if check.json_keys:
        return json.dumps(dict.fromkeys(check.json_keys, "x"))
    return "Tabii. " + " ".join((*check.all, *check.any[:1])) + "."


class Voice(FakeEngine):
    """Talks for ever when it may; five who ask for a sum must be there before it answers one."""

    def __init__(self) -> None:
        super().__init__(self._say, contexts=5)
        self.together = 0

    def _say(self, request: Request) -> str:
        return "Ben bir asistanım. " * 50_000 if request.ignore_eos else knows_all(request)

    async def deltas(self, request: Request) -> AsyncGenerator[Delta, None]:
        if request.messages and "İki kere iki" in request.messages[-1].content:
            self.together += 1
            wanted = -(-self.together // 5) * 5
            while self.together < wanted:
                await asyncio.sleep(0.002)
        async for delta in super().deltas(request):
            yield delta


def run(
    capsys: pytest.CaptureFixture[str], server: Any, *words: str, code: int = 0
) -> list[dict[str, str]]:
    """The rows of the CSV."""
    capsys.readouterr()
    assert cli.main(["scenarios", "--url", server.url, *words]) == code
    out = capsys.readouterr().out
    return list(csv.DictReader(io.StringIO(out)))


def test_a_model_that_knows_all_passes(start: Any, capsys: pytest.CaptureFixture[str]) -> None:
    server = start(Voice)
    rows = run(capsys, server)
    assert tuple(rows[0]) == HEADER and len(rows) == NUM_RESULTS
    assert {row["Status"] for row in rows} == {"PASS"}, rows
    assert {row["Model"] for row in rows} == {"fake-model"}
    assert all(int(row["Latency(ms)"]) >= 0 for row in rows)
    assert len({row["Test"][:2] for row in rows}) == 14
    (adapter,) = [row for row in rows if "LoRA" in row["Test"]]
    assert "lacks the adapter legal_expert" in adapter["Note"]


def test_five_callers_are_there_at_the_same_time(
    start: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start(Voice)
    rows = run(capsys, server, "--suite", "03")
    assert [row["Note"] for row in rows] == ["5/5"] * 4
    assert len(server.engine.requests) == 20


def test_an_interruption_leaves_no_stream(start: Any, capsys: pytest.CaptureFixture[str]) -> None:
    server = start(Voice)
    (row,) = run(capsys, server, "--suite", "14")
    assert row["Status"] == "PASS" and "free after" in row["Note"]
    assert server.engine.active == 0 and len(server.engine.requests) == 2
    heard = server.engine.requests[-1].messages[-2]
    assert heard.role == "assistant" and heard.content.startswith("Ben bir asistanım.")
    assert 40 <= len(heard.content) < 900_000, "it was cut"


def test_a_text_that_ends_before_it_is_interrupted(
    start: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = run(capsys, start(lambda: FakeEngine("Evet.")), "--suite", "14", code=1)
    assert row["Status"] == "FAIL" and "ended before it was interrupted" in row["Note"]


def test_wrong_answers_are_named(start: Any, capsys: pytest.CaptureFixture[str]) -> None:
    server = start(lambda: FakeEngine("Bilmiyorum, XK-4471."))
    rows = {
        row["Test"]: row for row in run(capsys, server, "--suite", "01", "--suite", "05", code=1)
    }
    phone = rows["01 Telefon simülasyonu: Bilgiden yanıt"]
    assert phone["Status"] == "FAIL" and phone["Note"] == "turn 1: missing: 1500"
    told = {row["Note"] for row in rows.values()}
    assert {"no JSON object", "must not be there: XK-4471"} <= told


def test_what_the_server_refuses_is_a_failure(
    start: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    turns = [{"say": "Merhaba"}]
    tests = [{"name": "a", "turns": turns, "fields": {"top_p": 7}}, {"name": "b", "turns": turns}]
    path = tmp_path / "suites.json"
    path.write_text(json.dumps({"suites": [{"id": "x", "name": "X", "tests": tests}]}))
    rows = run(capsys, start(), "--suites", str(path), code=1)
    assert [row["Status"] for row in rows] == ["FAIL", "PASS"]
    assert rows[0]["Note"].startswith("invalid_argument: ") and "top_p" in rows[0]["Note"]


def test_a_report_in_a_file_and_for_programs(
    start: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server, path = start(Voice), tmp_path / "report.csv"
    assert run(capsys, server, "--suite", "06", "-o", str(path)) == []
    assert path.read_text().startswith("Model,Test,Status,Latency(ms),Note\nfake-model,06 ")
    assert cli.main(["scenarios", "--url", server.url, "--suite", "06", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["status"] == "PASS" and found["model"] == "fake-model"
    nowhere = ["scenarios", "--url", server.url, "--suite", "06", "-o", str(tmp_path)]
    assert cli.main(nowhere) == 2
    assert "--output" in capsys.readouterr().err


# Profiles


@pytest.fixture
def switching(start: Any, tmp_path: Path) -> Any:
    """A server with two profiles, "a" active."""
    model = tmp_path / "m.gguf"
    model.write_bytes(sound())
    named = {name: {"model_id": str(model), "display_name": name} for name in ("a", "b")}
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps({"active_profile": "a", "profiles": named}))
    return start(
        Voice, admin_key=ADMIN, profiles_path=str(path), profile="a", model_path=f"{path}.x"
    )


def active(server: Any) -> str:
    return str(server.get("/health").json["current_profile"])


def test_every_profile_in_turn(switching: Any, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--suite", "01", "--all-profiles", "--admin-key", ADMIN)
    rows = run(capsys, switching, *words)
    assert [row["Test"].split(" ")[0] for row in rows] == ["switch", "01", "01"] * 2
    assert [row["Model"] for row in rows] == ["a"] * 3 + ["b"] * 3
    assert {row["Status"] for row in rows} == {"PASS"}
    assert active(switching) == "a", "it goes back to what was there"


def test_a_profile_that_cannot_be_loaded(
    switching: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    switching.fail = ModelInvalid("broken", where="model")
    words = ("--suite", "01", "--profile", "b", "--admin-key", ADMIN)
    (row,) = run(capsys, switching, *words, code=1)
    assert (row["Model"], row["Test"], row["Status"]) == ("b", "switch", "FAIL")
    assert "broken" in row["Note"]


def test_only_an_operator_switches(switching: Any, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--suite", "01", "--profile", "b", "--admin-key", "another-key-of-sixteen")
    (row,) = run(capsys, switching, *words, code=1)
    assert row["Status"] == "FAIL" and "--admin-key" in row["Note"]
    assert active(switching) == "a"


# Suites


def test_the_suites_of_the_contract() -> None:
    assert [suite.id for suite in SUITES] == [f"{number:02}" for number in range(1, 15)]
    stress = SUITES[2].tests[0]
    assert (stress.callers, stress.rounds) == (5, 4)
    assert SUITES[13].tests[0].interrupt is not None
    assert any(test.adapter == "legal_expert" for test in SUITES[1].tests)
    checked = [suite for suite in SUITES if any(map(_has_check, suite.tests))]
    assert checked == list(SUITES), "each says what it expects"


def _has_check(test: Any) -> bool:
    return any(turn.check != Check() for turn in test.turns)


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scenarios", "--list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == sum(len(suite.tests) for suite in SUITES)
    assert cli.main(["scenarios", "--list", "--suite", "14"]) == 0
    assert "14\tSes geçidi: söz kesme" in capsys.readouterr().out
    assert cli.main(["scenarios", "--suite", "99"]) == 2
    assert "[--suite] no such suite; allowed 01, " in capsys.readouterr().err


TURN = {"say": "x"}
TEST = {"name": "t", "turns": [TURN]}


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ([], "suites: "),
        ({"suites": []}, "suites: "),
        ({"suites": [{"id": "1", "name": "n"}]}, "suites[0].tests: "),
        ({"suites": [{"id": 1, "name": "n", "tests": [TEST]}]}, "suites[0].id: "),
        ({"suites": [{"id": "1", "name": "n", "tests": [TEST]}] * 2}, "suites[1].id: "),
        ({"suites": [{"id": "1", "name": "n", "test": [TEST]}]}, "suites[0].test: "),
    ],
)
def test_files_that_are_no_suites(given: Any, place: str, tmp_path: Path) -> None:
    path = tmp_path / "suites.json"
    path.write_text(json.dumps(given))
    with pytest.raises(InvalidArgument) as caught:
        load_suites(path)
    assert caught.value.where == "--suites" and caught.value.what.startswith(place)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"turns": [{"say": ""}]}, ".turns[0].say"),
        ({"turns": [{"say": "x", "expect": {"every": ["a"]}}]}, ".turns[0].expect.every"),
        ({"turns": [{"say": "x", "expect": {"any": []}}]}, ".turns[0].expect.any"),
        ({"turns": [{"say": "x", "expect": {"any": "a"}}]}, ".turns[0].expect.any"),
        ({"callers": 0}, ".callers"),
        ({"rounds": True}, ".rounds"),
        ({"interrupt": 40}, ".turns"),
        ({"fields": []}, ".fields"),
    ],
)
def test_tests_that_are_none(change: dict[str, Any], place: str, tmp_path: Path) -> None:
    path = tmp_path / "suites.json"
    suite = {"id": "1", "name": "n", "tests": [TEST | change]}
    path.write_text(json.dumps({"suites": [suite]}))
    with pytest.raises(InvalidArgument) as caught:
        load_suites(path)
    assert caught.value.what.startswith(f"suites[0].tests[0]{place}: ")


@pytest.mark.parametrize(
    ("check", "answer", "fault"),
    [
        (Check(), " \n", "empty answer"),
        (Check(), "x", ""),
        (Check(all=("ISPARTA", "yarın")), "Yarin Isparta'da", ""),
        (Check(all=("a", "b")), "a", "missing: b"),
        (Check(any=("İZMİR", "Ankara")), "izmir", ""),
        (Check(any=("a", "b")), "c", "none of: a, b"),
        (Check(all=("1500",)), "Limitiniz 1.500 TL", ""),
        (Check(any=("4", "dört")), "14", "none of: 4, dört"),
        (Check(any=("15.30",)), "Saat 15.30'da", ""),
        (Check(none=("parola",)), "Parola yok", "must not be there: parola"),
        (Check(json_keys=("a",)), '```json\n{"a": 1}\n```', ""),
        (Check(json_keys=("a", "b")), '{"a": 1}', "JSON without: b"),
        (Check(json_keys=("a",)), "[1]", "no JSON object"),
    ],
)
def test_checks(check: Check, answer: str, fault: str) -> None:
    assert check.fault(answer) == fault


def test_a_cell_is_one_line_and_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(csv_text([Result("=m", 'a "b",\nc', "x", 1.6, "y")]))))
    assert rows == [list(HEADER), ["'=m", 'a "b", c', "FAIL", "2", "x; y"]]


def test_suites_are_data_of_any_kind() -> None:
    assert all(isinstance(suite, Suite) for suite in SUITES)
