# SPDX-License-Identifier: AGPL-3.0-only
"""A small Llama: the same arithmetic llama.cpp runs for the "llama" architecture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Cache = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class GuideConfig:
    """Shape of the model; widths are multiples of 32, the block size of Q8_0."""

    vocabulary: int = 1024
    width: int = 256
    layers: int = 4
    heads: int = 4
    ffn: int = 640
    context: int = 1024
    rope_base: float = 10_000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


def rotation_table(config: GuideConfig) -> Tensor:
    """Cosines and sines of every position: shape (context, head_dim / 2, 2)."""
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim
    angles = torch.outer(
        torch.arange(config.context, dtype=torch.float64), config.rope_base**-exponents
    )
    return torch.stack((angles.cos(), angles.sin()), dim=-1).float()


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Rotary position on neighbouring pairs, llama.cpp's "NORM" layout, so nothing is permuted."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = table[..., 0], table[..., 1]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Block(nn.Module):
    """One layer: attention and a gated feed-forward, each on a normalised residual."""

    def __init__(self, config: GuideConfig) -> None:
        super().__init__()
        self.config = config
        width, ffn = config.width, config.ffn
        self.attn_norm = nn.RMSNorm(width, eps=config.norm_eps)
        self.attn_q = nn.Linear(width, width, bias=False)
        self.attn_k = nn.Linear(width, width, bias=False)
        self.attn_v = nn.Linear(width, width, bias=False)
        self.attn_output = nn.Linear(width, width, bias=False)
        self.ffn_norm = nn.RMSNorm(width, eps=config.norm_eps)
        self.ffn_gate = nn.Linear(width, ffn, bias=False)
        self.ffn_up = nn.Linear(width, ffn, bias=False)
        self.ffn_down = nn.Linear(ffn, width, bias=False)

    def attention(
        self, x: Tensor, table: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Causal attention; `past` holds the keys and values of earlier positions."""
        rows, length, _ = x.shape
        shape = (rows, length, self.config.heads, self.config.head_dim)
        query = rotate(self.attn_q(x).view(shape).transpose(1, 2), table)
        key = rotate(self.attn_k(x).view(shape).transpose(1, 2), table)
        value = self.attn_v(x).view(shape).transpose(1, 2)
        if past is not None:
            key, value = torch.cat((past[0], key), 2), torch.cat((past[1], value), 2)
        # A step after the prompt is a single position, which may look at everything.
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=length > 1)
        return self.attn_output(mixed.transpose(1, 2).reshape(rows, length, -1)), (key, value)

    def forward(
        self, x: Tensor, table: Tensor, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The layer's output and its keys and values."""
        mixed, present = self.attention(self.attn_norm(x), table, past)
        x = x + mixed
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h)), present


class Guide(nn.Module):
    """The whole model; the output matrix is the embedding, as in the exported file."""

    table: Tensor

    def __init__(self, config: GuideConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embd = nn.Embedding(config.vocabulary, config.width)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.output_norm = nn.RMSNorm(config.width, eps=config.norm_eps)
        self.register_buffer("table", rotation_table(config), persistent=False)
        self.apply(self._initialise)

    def _initialise(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """Logits of every given position, and the cache to continue from."""
        start = cache[0][0].shape[2] if cache else 0
        table = self.table[start : start + tokens.shape[1]]
        x = self.token_embd(tokens)
        present: Cache = []
        for index, block in enumerate(self.blk):
            x, pair = block(x, table, cache[index] if cache else None)
            present.append(pair)
        return F.linear(self.output_norm(x), self.token_embd.weight), present

    def parameters_count(self) -> int:
        """Number of trained values."""
        return sum(p.numel() for p in self.parameters())
