# SPDX-License-Identifier: AGPL-3.0-only
"""Generates, trains, exports, evaluates and describes the guide: `python -m guide_training`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from guide_training.card import write_card, write_held_out
from guide_training.evaluate import evaluate
from guide_training.export import export, load
from guide_training.model import Guide, GuideConfig
from guide_training.questions import load_facts
from guide_training.train import Progress, TrainingPlan, train, train_tokenizer

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "sentiric_llama" / "guide"
HELD_OUT_PER_LANGUAGE = 20


def say(line: str) -> None:
    """Progress for the person who waits."""
    print(line, flush=True)


def arguments() -> argparse.Namespace:
    """The command line; without arguments it makes the guide that the repository holds."""
    parser = argparse.ArgumentParser(prog="python -m guide_training", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual steps")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument(
        "--evaluate", action="store_true", help="measure the existing file; train nothing"
    )
    return parser.parse_args()


def train_and_export(scale: float, path: Path) -> Progress:
    """Train and export to the path; the file is usable, if worse, while the training runs."""
    plan = TrainingPlan()
    rounds = tuple(replace(part, steps=max(1, int(part.steps * scale))) for part in plan.rounds)
    tokenizer = train_tokenizer(plan.seed, GuideConfig().vocabulary)

    def watch(line: str, model: Guide) -> None:
        say(line)
        export(model, tokenizer, path)

    model, progress = train(replace(plan, rounds=rounds), tokenizer, watch)
    export(model, tokenizer, path)
    return progress


def earlier_progress(folder: Path) -> Progress:
    """What the last training wrote down."""
    text = (folder / "evaluation.json").read_text(encoding="utf-8")
    return Progress(**json.loads(text)["training"])


def main() -> None:
    """Run the whole pipeline."""
    options = arguments()
    torch.set_num_threads(options.compute_threads)
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "guide.gguf"
    progress = (
        earlier_progress(folder) if options.evaluate else train_and_export(options.scale, path)
    )
    results, facts = evaluate(path, say), load_facts()
    write_card(folder, load(path)[0], progress, results, len(facts) // 2)
    failures = {
        failure["question"] for score in results["questions"].values() for failure in score.failures
    }
    write_held_out(HERE / "heldout.json", facts, failures, HELD_OUT_PER_LANGUAGE)
    say(f"wrote {path}")


if __name__ == "__main__":
    main()
