# SPDX-License-Identifier: AGPL-3.0-only
"""`version`: of the package, of llama.cpp and of what was compiled in."""

from __future__ import annotations

import argparse

from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import in_words


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
        shown = ((name, in_words(value)) for name, value in facts.items())
        terminal.answer("\n".join(f"{name:<13} {value}" for name, value in shown))
    return 0
