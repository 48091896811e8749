# SPDX-License-Identifier: AGPL-3.0-only
"""`version`: of the package, of llama.cpp and of what was compiled in."""

from __future__ import annotations

import argparse

from sentiric_llama.host.terminal import Terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond the common options."""


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints it."""
    import platform

    from sentiric_llama.engine.facts import build_info
    from sentiric_llama.host.product import version

    facts = build_info() | {
        "version": version(),
        "python": platform.python_version(),
    }
    if terminal.as_json:
        terminal.answer_json(facts)
    else:
        terminal.answer("\n".join(f"{name:<13} {value}" for name, value in facts.items()))
    return 0
