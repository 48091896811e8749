# SPDX-License-Identifier: AGPL-3.0-only
"""POST /tokenize and /detokenize in llama-server's shapes."""

from __future__ import annotations

from starlette.requests import Request

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.http.errors import JsonResponse
from sentiric_llama.http.json_body import Fields, read_object
from sentiric_llama.params import TOKEN_ID
from sentiric_llama.service import LlamaService


class TokenEndpoints:
    """Text to ids and back."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def tokenize(self, request: Request) -> JsonResponse:
        """`{content, add_special, parse_special, with_pieces}` -> `{tokens}`.

        A piece is a list of bytes when it is no whole character.
        """
        with self._service.accounts.reading("tokenize"):
            self._service.require_ready()
            fields = Fields(await read_object(request))
            content = fields.text("content") or ""
            add_special = fields.flag("add_special")
            parse_special = fields.flag("parse_special", True)
            with_pieces = fields.flag("with_pieces")
        flags = {"add_special": add_special, "parse_special": parse_special}
        if not with_pieces:
            return JsonResponse({"tokens": await self._service.tokenize(content, **flags)})
        items = zip(*await self._service.tokenize_to_pieces(content, **flags), strict=True)
        pieces = [{"id": token, "piece": _text_or_bytes(piece)} for token, piece in items]
        return JsonResponse({"tokens": pieces})

    async def detokenize(self, request: Request) -> JsonResponse:
        """`{tokens}` -> `{content}`."""
        with self._service.accounts.reading("detokenize"):
            self._service.require_ready()
            raw = Fields(await read_object(request)).items("tokens")
            if raw is None:
                what = "required; got nothing, allowed a list of ids"
                raise InvalidArgument(what, where="tokens")
            tokens = [int(TOKEN_ID.check(token)) for token in raw]
        return JsonResponse({"content": await self._service.detokenize(tokens)})


def _text_or_bytes(piece: bytes) -> str | list[int]:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return list(piece)
