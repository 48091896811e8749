# SPDX-License-Identifier: AGPL-3.0-only
"""Trains the guide on conversations generated on the fly."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from guide_training import tokenizer as bpe
from guide_training.dialogues import Generator
from guide_training.model import Guide, GuideConfig


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How long and on what; the defaults are the run that the card describes."""

    steps: int = 1800
    seed: int = 2026
    learning_rate: float = 5e-3
    warmup: int = 100
    weight_decay: float = 0.05
    short_part: float = 0.25  # the first part of the run sees short rows only
    steady_part: float = 0.5  # after this part the rate falls to nothing in a straight line
    # Rows of each length hold the same number of tokens per step: (tokens, rows, how often).
    shapes: tuple[tuple[int, int, float], ...] = ((192, 24, 0.6), (512, 9, 0.22), (960, 5, 0.18))


@dataclass(frozen=True, slots=True)
class Progress:
    """What a finished run amounted to."""

    steps: int
    tokens: int
    seconds: float
    loss: float
    device: str


def train_tokenizer(seed: int, size: int) -> Tokenizer:
    """The vocabulary, learned from a few thousand generated rows."""
    generator = Generator(seed)
    texts = ("".join(text for text, _ in generator.row(256)) for _ in range(3000))
    return bpe.train(texts, size)


def device_name() -> str:
    """The fastest device at hand."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def half_precision(device: str) -> contextlib.AbstractContextManager[None]:
    """bfloat16 products where the hardware has them; elsewhere they would be slower."""
    if device == "cuda" or torch.cpu._is_avx512_bf16_supported():
        return torch.autocast(device, torch.bfloat16)
    return contextlib.nullcontext()


def _optimizers(model: Guide, plan: TrainingPlan) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices of the layers, Adam for the embedding and the norms.

    Muon needs about half as many steps here as Adam alone.
    """
    parameters = list(model.named_parameters())
    inner = [p for name, p in parameters if p.dim() == 2 and name.startswith("blk.")]
    outer = [p for name, p in parameters if p.dim() != 2 or not name.startswith("blk.")]
    rate, decay = plan.learning_rate, plan.weight_decay
    return (
        torch.optim.Muon(inner, rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(outer, rate, betas=(0.9, 0.98), weight_decay=0.0),
    )


class Trainer:
    """One training run."""

    def __init__(self, plan: TrainingPlan, tokenizer: Tokenizer) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.device = device_name()
        self.tokenizer = tokenizer
        self.padding = bpe.token_id(tokenizer, bpe.END_OF_TEXT)
        self.generator = Generator(plan.seed + 1)
        self.shapes = Random(plan.seed)
        self.model = Guide(GuideConfig(vocabulary=tokenizer.get_vocab_size())).to(self.device)
        self.optimizers = _optimizers(self.model, plan)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Tokens and loss weights of one step, each of shape (rows, length + 1)."""
        length, rows, _ = self.plan.shapes[0]
        if step >= self.plan.steps * self.plan.short_part:
            length, rows, _ = self.shapes.choices(
                self.plan.shapes, [often for _, _, often in self.plan.shapes]
            )[0]
        tokens = torch.full((rows, length + 1), self.padding)
        weights = torch.zeros((rows, length + 1))
        for row in range(rows):
            ids, row_weights = bpe.encode(self.tokenizer, self.generator.row(length))
            ids, row_weights = ids[: length + 1], row_weights[: length + 1]
            tokens[row, : len(ids)] = torch.tensor(ids)
            weights[row, : len(ids)] = torch.tensor(row_weights)
        return tokens.to(self.device), weights.to(self.device)

    def rate(self, step: int) -> float:
        """Learning rate of a step: up, steady, then down to nothing."""
        plan = self.plan
        rising = (step + 1) / plan.warmup
        falling = (1 - step / plan.steps) / (1 - plan.steady_part)
        return plan.learning_rate * min(1.0, rising, falling)

    def step(self, step: int) -> tuple[float, int]:
        """One update; the weighted loss and the number of tokens it saw."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate(step)
        tokens, weights = self.batch(step)
        with half_precision(self.device):
            logits, _ = self.model(tokens[:, :-1])
        losses = F.cross_entropy(
            logits.float().flatten(0, 1), tokens[:, 1:].flatten(), reduction="none"
        )
        wanted = weights[:, 1:].flatten()
        loss = (losses * wanted).sum() / wanted.sum()
        self.model.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.item(), tokens.numel()

    def run(self, say: Callable[[str], None], save: Callable[[Guide], None]) -> Progress:
        """All steps; `save` is called now and then so that a long run can be watched."""
        start, seen, mean = time.monotonic(), 0, float("nan")
        for step in range(self.plan.steps):
            loss, tokens = self.step(step)
            seen += tokens
            mean = loss if math.isnan(mean) else 0.98 * mean + 0.02 * loss
            if (step + 1) % 50 == 0:
                spent = time.monotonic() - start
                say(f"step {step + 1}/{self.plan.steps} loss {mean:.4f} {spent:.0f} s")
            if (step + 1) % 250 == 0:
                save(self.model)
        return Progress(self.plan.steps, seen, time.monotonic() - start, mean, self.device)
