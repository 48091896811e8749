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

Watch = Callable[[str, Guide], None]


@dataclass(frozen=True, slots=True)
class Round:
    """Steps in which the learning rate rises, stays and falls to nothing again."""

    steps: int
    learning_rate: float
    short_part: float  # the first part of the round sees short rows only


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How long and on what; the defaults are the run that the card describes.

    A further round would continue the one before with a new optimiser.
    """

    rounds: tuple[Round, ...] = (Round(2400, 5e-3, 0.2),)
    seed: int = 2026
    warmup: int = 100
    steady_part: float = 0.4  # after this part of a round the rate falls in a straight line
    weight_decay: float = 0.05
    # Rows of each length hold about as many tokens a step: (tokens, rows, how often).
    shapes: tuple[tuple[int, int, float], ...] = (
        (64, 72, 0.22),  # hardly more than one question: how most conversations begin
        (192, 24, 0.42),
        (512, 9, 0.20),
        (960, 5, 0.16),
    )
    short_shapes: int = 2  # the first so many of them are the short rows


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


def _optimizers(model: Guide, rate: float, decay: float) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices of the layers, Adam for the embedding and the norms.

    Muon needs about half as many steps here as Adam alone.
    """
    parameters = list(model.named_parameters())
    inner = [p for name, p in parameters if p.dim() == 2 and name.startswith("blk.")]
    outer = [p for name, p in parameters if p.dim() != 2 or not name.startswith("blk.")]
    return (
        torch.optim.Muon(inner, rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(outer, rate, betas=(0.9, 0.98), weight_decay=0.0),
    )


class Trainer:
    """One round of the plan."""

    def __init__(self, plan: TrainingPlan, index: int, model: Guide, tokenizer: Tokenizer) -> None:
        self.plan = plan
        self.round = plan.rounds[index]
        self.model = model
        self.device = next(model.parameters()).device.type
        self.tokenizer = tokenizer
        self.padding = bpe.token_id(tokenizer, bpe.END_OF_TEXT)
        self.generator = Generator(plan.seed + 1 + index)
        self.shapes = Random(plan.seed + index)
        self.optimizers = _optimizers(model, self.round.learning_rate, plan.weight_decay)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Tokens and loss weights of one step, each of shape (rows, length + 1)."""
        early = step < self.round.steps * self.round.short_part
        shapes = self.plan.shapes[: self.plan.short_shapes if early else None]
        length, rows, _ = self.shapes.choices(shapes, [often for _, _, often in shapes])[0]
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
        rising = (step + 1) / self.plan.warmup
        falling = (1 - step / self.round.steps) / (1 - self.plan.steady_part)
        return self.round.learning_rate * min(1.0, rising, falling)

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

    def run(self, watch: Watch) -> tuple[int, float]:
        """All steps of the round; the tokens they saw and the recent mean of the loss."""
        seen, mean = 0, float("nan")
        for step in range(self.round.steps):
            loss, tokens = self.step(step)
            seen += tokens
            mean = loss if math.isnan(mean) else 0.98 * mean + 0.02 * loss
            if (step + 1) % 50 == 0:
                watch(f"step {step + 1}/{self.round.steps} loss {mean:.4f}", self.model)
        return seen, mean


def train(plan: TrainingPlan, tokenizer: Tokenizer, watch: Watch) -> tuple[Guide, Progress]:
    """The trained model and what it took; `watch` hears of every 50 steps."""
    torch.manual_seed(plan.seed)
    device = device_name()
    model = Guide(GuideConfig(vocabulary=tokenizer.get_vocab_size())).to(device)
    start, tokens, loss = time.monotonic(), 0, float("nan")
    for index in range(len(plan.rounds)):
        seen, loss = Trainer(plan, index, model, tokenizer).run(watch)
        tokens += seen
    steps = sum(part.steps for part in plan.rounds)
    return model, Progress(steps, tokens, time.monotonic() - start, loss, device)
