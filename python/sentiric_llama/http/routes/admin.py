# SPDX-License-Identifier: AGPL-3.0-only
"""`/v1/profiles`, `/v1/models/switch`, `/v1/hardware/config`: show and change the model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.http import sse
from sentiric_llama.http.errors import HttpError, JsonResponse, error_body
from sentiric_llama.http.json_body import read_as
from sentiric_llama.http.schemas.admin import HardwareBody, SwitchBody
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.service.models.switch import ModelSwitch
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.names import PREFIX
from sentiric_llama.settings.profile_file import public_profiles

B = TypeVar("B", bound=Body)

EVERY_S = 0.25
"""Interval of progress events during a download."""
NO_PROFILES = (
    f"this server has no profiles; set {PREFIX}PROFILES_PATH to their file, which "
    "`sentiric-llama profile init` writes"
)


class AdminEndpoints:
    """A change continues even if the client disconnects."""

    def __init__(self, service: LlamaService, switcher: Switcher) -> None:
        self._service = service
        self._switcher = switcher

    async def profiles(self, _request: Request) -> JsonResponse:
        """The profiles file, with the `active_profile` in use.

        Without the role admin, only names: the file contains system prompts and paths.
        """
        is_admin, active = CURRENT_CALLER.get().is_admin, self._service.settings.profile
        try:
            raw = self._switcher.profiles.file().raw
        except SentiricLlamaError as error:
            if self._switcher.profiles.is_there():
                raise _no_profiles(500, str(error) if is_admin else error.public) from None
            raise _no_profiles(404, str(error) if is_admin else NO_PROFILES) from None
        shown = raw | {"active_profile": active} if is_admin else public_profiles(raw, active)
        return JsonResponse(shown)

    async def switch(self, request: Request) -> Response:
        """Answers once the model of the profile serves requests. A stream reports the progress."""
        body, headers = await self._read(request, SwitchBody)
        switch = self._switcher.to_profile(body.profile, client_address(request))
        if body.stream:
            return SwitchStream(switch, headers)
        return await answer(switch, {"active_profile": switch.profile}, headers)

    async def hardware(self, _request: Request) -> JsonResponse:
        """The settings in use: those of the engine, which FIT may have reduced.

        The system prompt is shown to admins only.
        """
        is_admin = CURRENT_CALLER.get().is_admin
        service = self._service
        settings, loaded = service.settings, service.attached
        info = loaded.engine.info if loaded else None
        body = {
            "profile_name": settings.profile or None,
            "model_id": loaded.served.name if loaded else settings.model_id,
            "gpu_layers": settings.gpu_layers,
            "context_size": info.context_size if info else settings.context_size,
            "threads": info.compute_threads if info else settings.compute_threads,
            "threads_batch": settings.compute_threads_batch,
            "physical_batch_size": info.physical_batch_size
            if info
            else settings.physical_batch_size,
            "max_batch_size_slots": info.contexts if info else settings.contexts,
            "kv_offload": settings.kv_offload,
            "use_mmap": settings.use_mmap,
            "enable_dynamic_batching": True,
            "template_system_prompt": settings.default_system_prompt if is_admin else None,
        }
        return JsonResponse(body)

    async def change_hardware(self, request: Request) -> Response:
        """Loads the model again with other settings."""
        body, headers = await self._read(request, HardwareBody)
        switch = self._switcher.to_hardware(body.model_dump(), client_address(request))
        return await answer(switch, {}, headers)

    async def _read(self, request: Request, kind: type[B]) -> tuple[B, dict[str, str]]:
        """The body, and the header that names its ignored fields."""
        read = partial(kind.read, strict=self._service.settings.strict_fields)
        return await read_as(request, read)


def _no_profiles(status: int, text: str) -> HttpError:
    kind = "not_found_error" if status == 404 else "server_error"
    return HttpError(status, text, code="profiles_unavailable", kind=kind)


def client_address(request: Request) -> str:
    """The client's address, for the log. Every line has the tenant and the request id already."""
    return request.client.host if request.client else ""


async def answer(switch: ModelSwitch, more: dict[str, Any], headers: Mapping[str, str]) -> Response:
    """Waits until the switch has finished."""
    await switch.finished.wait()
    if switch.error is None:
        body = {"status": "success", **more, "elapsed_s": switch.seconds}
        return JsonResponse(body, headers=headers)
    return JsonResponse(failure(switch, switch.error), 500, headers)


def failure(switch: ModelSwitch, error: SentiricLlamaError) -> dict[str, Any]:
    """The error in both formats that clients read."""
    return {"status": "error", "message": str(error), "result": switch.result, **error_body(error)}


class SwitchStream(Response):
    """Progress as server-sent events. The last one is the result."""

    def __init__(self, switch: ModelSwitch, headers: Mapping[str, str]) -> None:
        self.background = None
        self._switch = switch
        self._extra = dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = sse.Sender(send)
        try:
            await sse.until_disconnect(receive, sender, self._run(sender))
        except sse.ClientGone:
            return

    async def _run(self, sender: sse.Sender) -> None:
        switch, sent, sent_at = self._switch, None, 0.0
        await sender.start(sse.SSE_HEADERS | self._extra)
        while not switch.finished.is_set():
            progress = switch.as_json()
            key = (progress["phase"], progress["download"])
            if key != sent:
                await sender.write(sse.encode_event(progress))
                sent, sent_at = key, switch.seconds
            elif switch.seconds > sent_at + sse.KEEP_ALIVE_S:
                await sender.write(sse.KEEP_ALIVE)
                sent_at = switch.seconds
            await switch.wait_for_phase(EVERY_S)
        last: dict[str, Any] = {"status": "success", "active_profile": switch.profile}
        last |= {"elapsed_s": switch.seconds}
        if switch.error is not None:
            last = failure(switch, switch.error)
        await sender.write(sse.encode_event(last) + sse.DONE, more=False)
