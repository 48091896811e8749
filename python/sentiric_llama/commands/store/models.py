# SPDX-License-Identifier: AGPL-3.0-only
"""`models`: what is in the cache."""

from __future__ import annotations

import argparse

from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond the common options."""
    parser.epilog = "  {program} models\n  {program} models --json\n"


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Prints a table of all of them."""
    from sentiric_llama.models.inventory import digest_of, stored_models

    found = stored_models()
    if terminal.as_json:
        terminal.answer_json(
            [
                {
                    "model": model.reference,
                    "size_bytes": model.size_bytes,
                    "parts": len(model.paths),
                    "missing": model.missing,
                    "commit": model.commit,
                    "digest": getattr(digest_of(model), "hex", None),
                    "path": str(model.paths[0]),
                }
                for model in found
            ]
        )
        return 0
    if not found:
        text = "no cached models yet; download one with: {program} pull ggml-org/gemma-3-1b-it-GGUF"
        terminal.note(say(text, program=terminal.program))
        return 0
    header = tuple(say(word) for word in ("MODEL", "SIZE", "STATE"))
    rows = [
        (
            model.reference,
            f"{model.size_bytes / 2**20:.1f} MiB",
            say("incomplete") if model.missing else say("complete"),
        )
        for model in found
    ]
    terminal.answer_table(header, rows)
    return 0
