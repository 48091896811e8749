# SPDX-License-Identifier: AGPL-3.0-only
"""promtool's word on the alerts, the dashboard and a scrape."""

from __future__ import annotations

import json
import re
from pathlib import Path

from observe_tools import Scrape, run_service
from prometheus_tools import DASHBOARD, RULES, alerts, dashboard_queries, promtool, value_of
from sentiric_llama.metrics.collector import make_registry
from sentiric_llama.metrics.llama_server import PREFIX
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.service import LlamaService
from sentiric_llama.types import Message

CASES = Path(__file__).with_name("rules_test.yml")
REFERENCE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_rules_are_valid() -> None:
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stderr
    for expression in alerts().values():
        assert value_of(expression)


def test_each_alert_fires_in_trouble_and_not_in_health(tmp_path: Path) -> None:
    path = tmp_path / "cases.yml"
    path.write_text(CASES.read_text("utf-8").replace("[RULES]", f"['{RULES}']"), "utf-8")
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
    healthy = set(re.findall(r"alertname: (\w+)", CASES.read_text("utf-8")))
    assert healthy == alerts().keys()
    assert f"value: {len(alerts())}}}" in CASES.read_text("utf-8")


def test_queries_ask_for_series_of_the_reference() -> None:
    known = set(re.findall(r"^\| `([\w:]+)`", REFERENCE.read_text("utf-8"), re.MULTILINE))
    known |= {"up"}
    for name, query in (dashboard_queries() | alerts()).items():
        asked = re.findall(r"\b(?:llm|process|llamacpp|up)[\w:]*\b(?=[{\[ ]|$)", query)
        assert asked, name
        for series in asked:
            assert re.sub(r"_(bucket|sum|count)$", "", series) in known or series in known, name


def test_the_dashboard_can_be_imported() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & places, panel["title"]
        places |= cells
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"
    assert next(item["name"] for item in dashboard["templating"]["list"]) == "datasource"


def test_a_scrape_is_clean() -> None:
    """Its only complaint is the colon in llama-server's names, which are not ours to change."""
    found: list[Scrape] = []

    async def body(service: LlamaService) -> None:
        await service.chat(ChatCall(messages=(Message("user", "hello"),)))
        found.append(Scrape.of(make_registry(service)))

    run_service(body)
    done = promtool("check", "metrics", stdin=found[0].text)
    complaints = (done.stdout + done.stderr).splitlines()
    foreign = [line for line in complaints if line.startswith(PREFIX)]
    assert complaints == foreign
    assert all(line.endswith("metric names should not contain ':'") for line in foreign)
    assert len(foreign) == len({f.name for f in found[0].families if f.name.startswith(PREFIX)})
