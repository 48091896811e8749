# SPDX-License-Identifier: AGPL-3.0-only
"""The generator: a plan on standard input, what it saw on standard output."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
from typing import Any

from benchmarks.load.connections import idle, kept_and_fresh
from benchmarks.load.open_loop import closed_loop, open_loop, report
from benchmarks.load.stream import stream


def main() -> None:
    """Descriptors as many as are allowed, and no pause for the collector meanwhile."""
    plan = json.load(sys.stdin)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.disable()
    json.dump(run(plan), sys.stdout)


def run(plan: dict[str, Any]) -> dict[str, Any]:
    match plan["what"]:
        case "open":
            return report(asyncio.run(open_loop(plan)))
        case "closed":
            return report(asyncio.run(closed_loop(plan)))
        case "kept":
            return kept_and_fresh(plan)
        case "idle":
            return idle(plan)
        case "stream":
            return stream(plan)
    raise ValueError(f"[load] unknown plan; got {plan['what']!r}")


if __name__ == "__main__":
    main()
