# SPDX-License-Identifier: AGPL-3.0-only
"""`/v1/requests/ID`: cancels a request of the caller by its id."""

from __future__ import annotations

import dataclasses
import logging

from starlette.requests import Request

from sentiric_llama.http.errors import HttpError, JsonResponse
from sentiric_llama.log.events import event
from sentiric_llama.log.trace import is_id
from sentiric_llama.service.service import LlamaService

logger = logging.getLogger(__name__)


class RequestEndpoints:
    """Requests of the caller's key."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def cancel(self, request: Request) -> JsonResponse:
        """Cancels the calls with this `x-request-id`, or the one with this id of an answer.

        Says what they were doing. A second time, it says the same.
        """
        running, given = self._service.running, request.path_params["id"]
        ended = running.cancel(given)
        if ended:
            event(logger, "LLM_REQUEST_CANCELLED", "by request id", calls=len(ended))
        calls = ended or running.cancelled(given)
        if not calls or not is_id(given):
            raise HttpError(
                404,
                "no running request of this key has this id",
                code="request_not_found",
                kind="not_found_error",
            )
        found = [dataclasses.asdict(call) for call in calls]
        return JsonResponse({"id": given, "object": "request.cancelled", "calls": found})
