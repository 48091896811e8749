# SPDX-License-Identifier: AGPL-3.0-only
"""POST /tokenize and /detokenize, in llama-server's format."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.host.off_loop import LARGE_TEXT, maybe_off_loop, off_loop
from sentiric_llama.http import sse
from sentiric_llama.http.errors import JsonResponse, dump_json
from sentiric_llama.http.json_body import read_as
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.schemas.tokens import DetokenizeBody, TokenizeBody
from sentiric_llama.service.service import LlamaService
from sentiric_llama.service.tokens import MAX_TOKENS_LISTED

B = TypeVar("B", bound=Body)

STEP = 4096
"""Tokens per write: a longer list is never in memory as JSON as a whole."""
MAX_DETOKENIZE_ITEMS = MAX_TOKENS_LISTED + 64  # for the object, and other fields and names


class TokenEndpoints:
    """Converts text to token ids, and back."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def tokenize(self, request: Request) -> Response:
        """Converts text to token ids. A piece that is not valid UTF-8 is a list of bytes."""
        with self._service.request_metrics.reading("tokenize"):
            self._service.ready()
            asked, headers = await read_as(request, self._reader(TokenizeBody))
        flags = {"add_special": asked.add_special, "parse_special": asked.parse_special}
        if asked.with_pieces:
            ids, pieces = await self._service.tokenize_to_pieces(asked.content, **flags)
            return TokensAnswer(ids, pieces, headers)
        ids = await self._service.tokenize(asked.content, **flags)
        return TokensAnswer(ids, None, headers)

    async def detokenize(self, request: Request) -> Response:
        """Converts token ids to text."""
        with self._service.request_metrics.reading("detokenize"):
            self._service.ready()
            read = self._reader(DetokenizeBody)
            asked, headers = await read_as(request, read, MAX_DETOKENIZE_ITEMS)
        content = await self._service.detokenize(asked.tokens)
        is_long = len(content) > LARGE_TEXT
        body = await maybe_off_loop(is_long, dump_json, {"content": content})
        return Response(body, headers=headers, media_type="application/json")

    def _reader(self, kind: type[B]) -> Callable[[dict[str, Any]], tuple[B, dict[str, str]]]:
        return partial(kind.read, strict=self._service.settings.strict_fields)


class TokensAnswer(Response):
    """`{"tokens": [...]}`, written in steps: megabytes of text have a million tokens."""

    def __init__(
        self,
        ids: array[int],
        pieces: Mapping[int, bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.background = None
        self._extra = dict(headers or {})
        self._ids = ids
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self._ids) <= STEP:
            whole = JsonResponse({"tokens": self._items(0)}, headers=self._extra)
            await whole(scope, receive, send)
            return
        sender = sse.Sender(send)
        try:
            await sse.until_disconnect(receive, sender, self._write(sender))
        except sse.ClientGone:
            return

    async def _write(self, sender: sse.Sender) -> None:
        await sender.start({"content-type": "application/json", **self._extra})
        before = b'{"tokens":['
        for begin in range(0, len(self._ids), STEP):
            await sender.write(before + await off_loop(self._encode, begin))
            before = b","
        await sender.write(b"]}", more=False)

    def _encode(self, begin: int) -> bytes:
        return dump_json(self._items(begin))[1:-1]

    def _items(self, begin: int) -> list[Any]:
        ids = self._ids[begin : begin + STEP].tolist()
        if self._pieces is None:
            return ids
        return [{"id": token, "piece": _text_or_bytes(self._pieces[token])} for token in ids]


def _text_or_bytes(piece: bytes) -> str | list[int]:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return list(piece)
