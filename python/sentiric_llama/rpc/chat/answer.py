# SPDX-License-Identifier: AGPL-3.0-only
"""What the method Chat answers."""

from __future__ import annotations

import dataclasses
import secrets

from sentiric_llama.rpc.generated import engine_pb2
from sentiric_llama.service.chat_stream import ChatStream, ChoiceDelta
from sentiric_llama.types import ChosenLogprob, TokenLogprob
from sentiric_llama.types.answer import Kind, Piece


class ChatAnswer:
    """Writes the deltas of one call. Numbers the calls of each choice."""

    def __init__(self) -> None:
        self._num_calls: dict[int, int] = {}

    def delta_of(self, item: ChoiceDelta) -> engine_pb2.ChatDelta:
        """A delta of one choice."""
        calls = [self._call(item.index, piece) for piece in item.pieces]
        return engine_pb2.ChatDelta(
            index=item.index,
            text=item.text_of(Kind.TEXT),
            reasoning=item.text_of(Kind.THOUGHT),
            calls=[call for call in calls if call is not None],
            warnings=[piece.text for piece in item.pieces if piece.kind is Kind.MALFORMED],
            tokens=item.delta.tokens,
            logprobs=[_chosen(entry) for entry in item.delta.logprobs],
            prompt_logprobs=[_chosen(entry) for entry in item.delta.prompt_logprobs],
            finish_reason=item.ending,
            unfinished=bool(item.delta.final and item.delta.final.unfinished),
        )

    def _call(self, choice: int, piece: Piece) -> engine_pb2.CallDelta | None:
        number = self._num_calls.get(choice, 0)
        if piece.kind is Kind.ARGUMENTS:
            return engine_pb2.CallDelta(index=number - 1, arguments=piece.text)
        if piece.kind is not Kind.CALL:
            return None
        self._num_calls[choice] = number + 1
        identity = f"call_{secrets.token_hex(12)}"
        return engine_pb2.CallDelta(index=number, id=identity, name=piece.text)


def end_of(stream: ChatStream) -> engine_pb2.ChatEnd:
    """Totals over all choices. The messages have the same fields as the dataclasses."""
    return engine_pb2.ChatEnd(
        model=stream.model,
        notice=stream.notice,
        usage=engine_pb2.Usage(**dataclasses.asdict(stream.usage)),
        timings=engine_pb2.Timings(**dataclasses.asdict(stream.timings)),
        context=engine_pb2.ContextReport(**dataclasses.asdict(stream.truncation)),
    )


def _chosen(entry: ChosenLogprob) -> engine_pb2.ChosenLogprob:
    return engine_pb2.ChosenLogprob(
        chosen=_token(entry.chosen), top=[_token(token) for token in entry.top]
    )


def _token(entry: TokenLogprob) -> engine_pb2.TokenLogprob:
    return engine_pb2.TokenLogprob(token=entry.token, piece=entry.piece, logprob=entry.logprob)
