# SPDX-License-Identifier: AGPL-3.0-only
"""Debian's Prometheus and promtool: `apt-get install prometheus`. CI must have them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
RULES = ROOT / "docker" / "prometheus" / "rules.yml"
DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "sentiric-llama.json"


def need(program: str) -> str:
    """The program's path. Without it the test fails in CI and is skipped elsewhere, aloud."""
    path = shutil.which(program)
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{program} is missing; .ci/run installs it")
    if path is None:
        pytest.skip(f"no {program} here: apt-get install prometheus")
    return path


def promtool(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [need("promtool"), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)


def alerts() -> dict[str, str]:
    """Name -> expression, one line each, of all alerts."""
    import yaml

    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def value_of(expression: str) -> str:
    """An alert's expression without its bound: what is compared."""
    match = re.fullmatch(r"(.*?)\s*(?:==|>|<)\s*[\d.]+\s*", expression, re.DOTALL)
    assert match, f"end with a bound: {expression}"
    return match[1]


def dashboard_queries() -> dict[str, str]:
    """ "panel / legend" -> query of every target, as Grafana would send it."""
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    found = {
        f"{panel['title']} / {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    }
    variables = {"$__rate_interval": "1m", "$job": ".*", "$instance": ".*"}
    for name, value in variables.items():
        found = {panel: query.replace(name, value) for panel, query in found.items()}
    return found


class Prometheus:
    """A server of this test's own that scrapes one target twice a second and knows our rules."""

    def __init__(self, folder: Path, target_port: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        every = {"scrape_interval": "500ms", "scrape_timeout": "500ms"}
        config = {
            "global": every | {"evaluation_interval": "500ms"},
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {
                    "job_name": "sentiric-llama",
                    "static_configs": [{"targets": [f"127.0.0.1:{target_port}"]}],
                }
            ],
        }
        path = folder / "prometheus.yml"
        path.write_text(json.dumps(config))  # JSON is YAML
        command = [
            need("prometheus"),
            f"--config.file={path}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=error",
        ]
        self._child = subprocess.Popen(command)

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}"
        with urllib.request.urlopen(url, timeout=30) as reply:
            answer = json.load(reply)
        assert answer["status"] == "success", answer
        return answer["data"]

    def values(self, expression: str) -> list[float]:
        """The samples that an instant query gives."""
        return [float(item["value"][1]) for item in self.get("query", query=expression)["result"]]

    def scrapes(self) -> int:
        """How often the target was read; 0 while this server starts."""
        try:
            found = self.values("max(count_over_time(llm_ready[1h]))")
        except OSError:
            return 0
        return int(found[0]) if found else 0

    def close(self) -> None:
        self._child.kill()
        self._child.wait(60)
