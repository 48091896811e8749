# SPDX-License-Identifier: AGPL-3.0-only
"""`/context/NAME`: text files that the operator offers to pages, such as texts to ask about."""

from __future__ import annotations

import asyncio
import errno
import logging

from starlette.requests import Request
from starlette.responses import Response

from sentiric_llama.host.bounded_files import OutsideFolder, read_beneath
from sentiric_llama.http.errors import HttpError
from sentiric_llama.log.events import event
from sentiric_llama.service.service import LlamaService

MOST_BYTES = 2**20
_HEADERS = {
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}

logger = logging.getLogger(__name__)


class ExampleFiles:
    """The files beneath EXAMPLES_DIR; none if it is empty."""

    def __init__(self, service: LlamaService) -> None:
        self._service = service

    async def get(self, request: Request) -> Response:
        """The text of a file. 403 for a name that leads out of the folder."""
        folder = self._service.settings.examples_dir
        name = request.path_params["name"]
        if not folder:
            raise _missing()
        try:
            raw = await asyncio.to_thread(read_beneath, folder, name, MOST_BYTES)
            raw.decode("utf-8")
        except OutsideFolder:
            event(logger, "PATH_TRAVERSAL_ATTEMPT", "refused", logging.WARNING)
            text = "this name leads out of the folder"
            raise HttpError(403, text, code="path_forbidden", kind="permission_error") from None
        except (OSError, UnicodeDecodeError) as error:
            raise _too_large() if _is_too_large(error) else _missing() from None
        return Response(raw, headers=_HEADERS)


def _is_too_large(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EFBIG


def _missing() -> HttpError:
    return HttpError(404, "no such text file", code="not_found", kind="not_found_error")


def _too_large() -> HttpError:
    return HttpError(413, f"the file is larger than {MOST_BYTES} bytes", code="file_too_large")
