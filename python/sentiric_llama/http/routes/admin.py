# SPDX-License-Identifier: AGPL-3.0-only
"""`/v1/profiles`, `/v1/models/switch`, `/v1/hardware/config`: which model, on which hardware."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sentiric_llama.access.caller import CURRENT_CALLER
from sentiric_llama.errors import InvalidArgument, SentiricLlamaError
from sentiric_llama.http import sse
from sentiric_llama.http.errors import HttpError, JsonResponse, error_body
from sentiric_llama.http.json_body import read_object
from sentiric_llama.http.schemas.admin import SwitchBody
from sentiric_llama.service.models.switch import ModelSwitch
from sentiric_llama.service.models.switcher import Switcher
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.names import PREFIX
from sentiric_llama.settings.profile_file import public_profiles

EVERY_S = 0.25
"""How often a stream looks how far a download is."""
HARDWARE = {"gpu_layers": -1, "context_size": 4096, "kv_offload": True}
"""What may be changed, and what it becomes when a request leaves it out."""


NO_PROFILES = f"this server has no profiles; {PREFIX}PROFILES_PATH names their file"


class AdminEndpoints:
    """Orders are carried out even when whoever gave them leaves."""

    def __init__(self, service: LlamaService, switcher: Switcher) -> None:
        self._service = service
        self._switcher = switcher

    async def profiles(self, _request: Request) -> JsonResponse:
        """For an admin the file as it is, but for `active_profile`, which is the one in use.

        Others see names and what each profile is: the file holds system prompts and paths.
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
        """`{profile}` -> 200 when calls go to its model; `{stream: true}` sends news until then."""
        body = SwitchBody.parse(await read_object(request))
        if not body.profile:
            raise InvalidArgument("Profile name required", where="profile")
        switch = self._switcher.to_profile(body.profile, who(request))
        if body.stream:
            return SwitchStream(switch)
        return await answer(switch, {"active_profile": switch.profile})

    async def hardware(self, _request: Request) -> JsonResponse:
        """What runs now. Numbers are those of the engine, which FIT may have made smaller.

        Only an admin reads the system prompt.
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
        """`{gpu_layers, context_size, kv_offload}` -> the model again, with these."""
        values = await read_object(request)
        if unknown := values.keys() - HARDWARE:
            raise InvalidArgument(
                f"got {sorted(unknown)[0][:64]!r}, allowed {', '.join(HARDWARE)}", where="hardware"
            )
        given = {name: value for name, value in values.items() if value is not None}
        return await answer(self._switcher.to_hardware(HARDWARE | given, who(request)), {})


def _no_profiles(status: int, text: str) -> HttpError:
    kind = "not_found_error" if status == 404 else "server_error"
    return HttpError(status, text, code="profiles_unavailable", kind=kind)


def who(request: Request) -> str:
    """Who asks, for the log: an address. The tenant and the request's id are in each line."""
    return request.client.host if request.client else ""


async def answer(switch: ModelSwitch, more: dict[str, Any]) -> Response:
    """Waits for the end. A failure says so in both shapes that clients read."""
    await switch.finished.wait()
    if switch.error is None:
        return JsonResponse({"status": "success", **more, "elapsed_s": switch.seconds})
    return JsonResponse(failure(switch, switch.error), 500)


def failure(switch: ModelSwitch, error: SentiricLlamaError) -> dict[str, Any]:
    return {"status": "error", "message": str(error), "result": switch.result, **error_body(error)}


class SwitchStream(Response):
    """News as server-sent events; the last one is the answer."""

    def __init__(self, switch: ModelSwitch) -> None:
        self.background = None
        self._switch = switch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = sse.Sender(send)
        try:
            await sse.until_disconnect(receive, sender, self._run(sender))
        except sse.ClientGone:
            return

    async def _run(self, sender: sse.Sender) -> None:
        switch, told, told_at = self._switch, None, 0.0
        await sender.start(sse.SSE_HEADERS)
        while not switch.finished.is_set():
            news = switch.as_json()
            key = (news["phase"], news["download"])
            if key != told:
                await sender.write(sse.encode_event(news))
                told, told_at = key, switch.seconds
            elif switch.seconds > told_at + sse.KEEP_ALIVE_S:
                await sender.write(sse.KEEP_ALIVE)
                told_at = switch.seconds
            await switch.wait_for_phase(EVERY_S)
        last: dict[str, Any] = {"status": "success", "active_profile": switch.profile}
        last |= {"elapsed_s": switch.seconds}
        if switch.error is not None:
            last = failure(switch, switch.error)
        await sender.write(sse.encode_event(last) + sse.DONE, more=False)
