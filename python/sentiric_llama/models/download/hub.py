# SPDX-License-Identifier: AGPL-3.0-only
"""Asks the hub about repositories and files, through its own client library.

The library reads HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE. It is imported late, because its import
takes longer than all of ours.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sentiric_llama.errors import ModelNotFound, SentiricLlamaError, Unavailable
from sentiric_llama.models.download.hops import Trip, looked_up
from sentiric_llama.models.names import is_commit, is_file_name, is_tag

_TIMEOUT_S = 30.0
_PAUSES_S = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a repository at one commit."""

    name: str
    commit: str
    url: str
    etag: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The commit that a revision points to now, and its file names."""

    commit: str
    names: list[str]


def listing(repo: str, revision: str) -> Listing:
    """The repository's files. Raises ModelNotFound or Unavailable."""
    import huggingface_hub

    def ask() -> Any:
        return huggingface_hub.HfApi().model_info(repo, revision=revision, timeout=_TIMEOUT_S)

    info = _asked(ask, repo)
    names = [sibling.rfilename for sibling in info.siblings or []]
    if not is_commit(info.sha or ""):
        raise _not_a_hub(repo)
    return Listing(str(info.sha), [name for name in names if is_file_name(name)])


def remote_file(repo: str, revision: str, name: str) -> RemoteFile:
    """URL, checksum and size of one file. Raises ModelNotFound or Unavailable."""
    import huggingface_hub

    url = huggingface_hub.hf_hub_url(repo, name, revision=revision, endpoint=_endpoint())

    def ask() -> Any:
        return huggingface_hub.get_hf_file_metadata(
            url, timeout=_TIMEOUT_S, library_name="sentiric-llama"
        )

    found = _asked(ask, repo, name)
    etag, commit = found.etag or "", found.commit_hash or ""
    if not is_tag(etag) or not is_commit(commit):
        raise _not_a_hub(f"{repo}/{name}")
    fixed = huggingface_hub.hf_hub_url(repo, name, revision=commit, endpoint=_endpoint())
    return RemoteFile(name, commit, fixed, etag, found.size)


def headers() -> dict[str, str]:
    """Our name, and the token if there is one; for the hub's own host only."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # it does

    return dict(build_hf_headers(library_name="sentiric-llama"))


def is_offline() -> bool:
    """True when HF_HUB_OFFLINE forbids the network."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _not_a_hub(what: str) -> Unavailable:
    return Unavailable(
        f"the answer from HF_ENDPOINT has no valid commit or checksum for {what}; "
        "it is not a hub, or a proxy drops its headers",
        where="model",
    )


def _asked(ask: Callable[[], Any], repo: str, filename: str = "") -> Any:
    """The answer; a busy hub is asked again. Raises our errors for the library's."""
    _watch_redirects()
    for pause_s in (*_PAUSES_S, None):
        try:
            return _on_a_trip(ask)
        except SentiricLlamaError:
            raise
        except Exception as error:
            if pause_s is None or not _is_busy(error):
                raise _translated(error, repo, filename) from None
            time.sleep(pause_s)
    raise AssertionError("the last try returns or raises")


_TRIP: ContextVar[Trip | None] = ContextVar("sentiric_trip", default=None)


def _on_a_trip(ask: Callable[[], Any]) -> Any:
    token = _TRIP.set(Trip())
    try:
        return ask()
    finally:
        _TRIP.reset(token)


def _watch_redirects() -> None:
    """The library follows redirects itself: a hook checks each of its requests as we check ours.

    Its log may contain text of the hub, so it goes through our handlers.
    """
    import huggingface_hub

    client = huggingface_hub.get_session()
    hooks = client.event_hooks
    if _check_hop not in hooks["request"]:
        client.event_hooks = hooks | {"request": [*hooks["request"], _check_hop]}
    logger = logging.getLogger("huggingface_hub")
    logger.handlers.clear()
    logger.propagate = True


def _check_hop(request: Any) -> None:
    trip = _TRIP.get()
    if trip is not None:  # None: another user of the library in this process
        trip.go_to(str(request.url))
        trip.arrive(looked_up(request.url.host))


def _is_busy(error: Exception) -> bool:
    answer = getattr(error, "response", None)
    return getattr(answer, "status_code", 0) in (429, 500, 502, 503, 504)


def _endpoint() -> str:
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def _translated(error: Exception, repo: str, filename: str) -> SentiricLlamaError:
    from huggingface_hub import errors as hub

    if isinstance(error, hub.GatedRepoError):
        return ModelNotFound(
            f"{repo} is gated; accept its terms on the hub and set HF_TOKEN", where="model"
        )
    if isinstance(error, hub.RepositoryNotFoundError | hub.HFValidationError):
        return ModelNotFound(
            f"no repository {repo} on the hub; check the name, or set HF_TOKEN if it is private",
            where="model",
        )
    if isinstance(error, hub.RevisionNotFoundError):
        return ModelNotFound(
            f"{repo} has no such revision; name a branch, a tag or a commit", where="model"
        )
    if isinstance(error, hub.OfflineModeIsEnabled):
        return offline(repo)
    if isinstance(error, hub.EntryNotFoundError):
        return ModelNotFound(
            f"{repo} has no file {filename}; omit the file name to have one chosen",
            where="model",
        )
    return Unavailable(
        f"cannot get {repo} from the hub ({type(error).__name__}); check the network and "
        "HF_ENDPOINT, or give the path of a local file",
        where="model",
    )


def offline(repo: str) -> Unavailable:
    """The error for a file that is not cached while HF_HUB_OFFLINE is set."""
    return Unavailable(
        f"{repo} is not in the local cache and HF_HUB_OFFLINE is set; "
        "unset it once, or give the path of a local file",
        where="model",
    )
