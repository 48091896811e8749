# SPDX-License-Identifier: AGPL-3.0-only
"""Parses the name of a model, before anything is looked up.

guide                          the built-in model
./model.gguf, /models/folder   a file, or a folder with one model
org/repo[@revision]            a repository on the hub; its best quantisation
org/repo:Q8_0                  one of its quantisations
org/repo/folder/file.gguf      one of its files
https://host/model.gguf        any URL; `#sha256=...` pins its content
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sentiric_llama.errors import InvalidArgument, ModelNotFound
from sentiric_llama.host.printable import quoted
from sentiric_llama.models.names import REPO, REVISION, checked_name, checked_revision, is_repo

GUIDE_NAME = "sentiric-guide"
GUIDE_NAMES = frozenset({"", "guide", "default", GUIDE_NAME})
SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")

_REPO = re.compile(
    rf"(?P<repo>{REPO})(?:@(?P<revision>{REVISION}))?"
    r"(?::(?P<quant>[A-Za-z0-9_.-]{1,64}))?(?:/(?P<file>.+\.gguf))?"
)
_HUB_HOSTS = ("huggingface.co", "hf.co")
_HUB_PATH = re.compile(r"/(?P<repo>[^/]+/[^/]+)/(?:resolve|blob)/(?P<revision>[^/]+)/(?P<file>.+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Guide:
    """The model in this package."""


@dataclass(frozen=True, slots=True)
class LocalPath:
    """A local file or folder."""

    path: Path


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository on the hub: named, by its quantisation, or chosen by us."""

    repo: str
    revision: str = "main"
    quant: str = ""
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Url:
    """A file at any other URL."""

    url: str
    sha256: str = ""

    @property
    def filename(self) -> str:
        return unquote(urlsplit(self.url).path.rpartition("/")[2])


Reference = Guide | LocalPath | HubFile | Url


def parse(text: str, filename: str = "", revision: str = "main") -> Reference:
    """The reference that `text` is; `filename` names a file of the repository.

    Raises ModelNotFound when it is not one, InvalidArgument when a name would leave its folder.
    """
    if not isinstance(text, str):
        raise InvalidArgument(f"must be a string; got {type(text).__name__}", where="model")
    if text in GUIDE_NAMES:
        return Guide()
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        return _parse_url(text)
    path = _path_of(text)
    if path is not None and (path.exists() or looks_like_path(text)):
        return LocalPath(path)
    match = _REPO.fullmatch(text)
    if match is None or not is_repo(match["repo"]):
        raise ModelNotFound(
            f"{quoted(text)} is neither a file nor a repository; use a path to a .gguf file, "
            "org/repo, org/repo:QUANT, org/repo/file.gguf or an https URL",
            where="model",
        )
    name = checked_name(filename or match["file"] or "")
    revision = checked_revision(match["revision"] or revision)
    return HubFile(match["repo"], revision, match["quant"] or "", name)


def looks_like_path(text: str) -> bool:
    """True for text that means a local file, whether or not it exists."""
    starts = text.startswith(("/", "./", "../", "~", "\\"))
    return starts or (text.endswith(".gguf") and text.count("/") < 2)


def _path_of(text: str) -> Path | None:
    """The path, or None for text that cannot be one, such as `~nobody/x`."""
    try:
        path = Path(text).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError):
        return None
    return path


def _parse_url(text: str) -> HubFile | Url:
    parts = urlsplit(text)
    host = parts.hostname or ""
    digest = parts.fragment.removeprefix("sha256=").lower() if parts.fragment else ""
    if digest and not _SHA256.fullmatch(digest):
        raise InvalidArgument(
            f"got the fragment {quoted(parts.fragment)}, allowed sha256=<64 hex digits>",
            where="model",
        )
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.password:
        raise InvalidArgument(
            "allowed https://host/path/model.gguf without a user name; a token belongs in HF_TOKEN",
            where="model",
        )
    hub = _HUB_PATH.fullmatch(unquote(parts.path))
    if host in _HUB_HOSTS and hub is not None:
        if not is_repo(hub["repo"]):
            raise ModelNotFound("the URL names no repository of the hub", where="model")
        return HubFile(
            hub["repo"], checked_revision(hub["revision"]), "", checked_name(hub["file"])
        )
    found = Url(parts._replace(fragment="").geturl(), digest)
    if not checked_name(found.filename).endswith(".gguf"):
        raise InvalidArgument("a URL must end with the name of a .gguf file", where="model")
    return found
