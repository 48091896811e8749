# SPDX-License-Identifier: AGPL-3.0-only
"""Resolves the configured or named model to a local file that native code may open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentiric_llama.errors import ModelInvalid, ModelNotFound
from sentiric_llama.gguf.rules import check_model
from sentiric_llama.host.printable import quoted
from sentiric_llama.host.product import PREFIX
from sentiric_llama.models.choice import choose_files, listed, shard_names
from sentiric_llama.models.download.progress import Report, to_log
from sentiric_llama.models.reference import (
    GUIDE_NAME,
    SHARD,
    Guide,
    HubFile,
    LocalPath,
    Reference,
    Url,
    parse,
)

if TYPE_CHECKING:
    from sentiric_llama.models.store import Store
    from sentiric_llama.settings.config import Settings


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A local GGUF file with a checked header, and the name it is served under."""

    path: Path
    name: str
    is_guide: bool = False
    draft: Path | None = None
    """Its draft model, if any."""


def find_model(settings: Settings, report: Report | None = None) -> ModelFile:
    """The configured model and its draft model as local files, downloaded when needed.

    Blocks. Raises ModelNotFound, ModelInvalid or Unavailable, each with what to do next.
    """
    report = report or to_log()
    model = _open(wanted_model(settings), report, settings.model_sha256)
    draft = wanted_draft(settings)
    return model if draft is None else replace(model, draft=_open(draft, report).path)


def is_local(settings: Settings) -> bool:
    """True if `find_model` asks neither the hub nor its library. Raises what it would raise."""
    wanted = wanted_model(settings), wanted_draft(settings)
    return all(isinstance(reference, LocalPath | Guide | None) for reference in wanted)


def check_local(settings: Settings) -> None:
    """Raises what `find_model` would raise for local files, without asking the hub."""
    for wanted in (wanted_model(settings), wanted_draft(settings)):
        if isinstance(wanted, LocalPath):
            open_local(wanted.path)
        elif isinstance(wanted, Guide):
            open_guide()


def wanted_model(settings: Settings) -> Reference:
    """The model that the settings name.

    Order: MODEL_PATH, MODEL_DIR/MODEL_FILENAME, MODEL_ID (with MODEL_FILENAME), the guide.
    MODEL_FILENAME without MODEL_ID is searched only in MODEL_DIR, if that is set.
    """
    if settings.model_path:
        return LocalPath(Path(settings.model_path))
    in_folder = _in_folder(settings.model_dir, settings.model_filename, settings.model_id)
    if in_folder is not None:
        return LocalPath(in_folder)
    if settings.model_filename and not settings.model_id:
        if settings.model_dir:  # a file of that name elsewhere is another one
            raise ModelNotFound(
                f"no file in MODEL_DIR; got {quoted(settings.model_filename)}, allowed a name "
                f"inside {settings.model_dir}",
                where="model_filename",
            )
        return LocalPath(Path(settings.model_filename))
    return parse(settings.model_id, settings.model_filename, settings.model_revision)


def wanted_draft(settings: Settings) -> Reference | None:
    """The draft model that the settings name, if any."""
    if not settings.draft_model:
        return None
    in_folder = _in_folder(settings.model_dir, settings.draft_model)
    return LocalPath(in_folder) if in_folder else parse(settings.draft_model)


def resolve(
    reference: str, filename: str = "", *, report: Report | None = None, sha256: Sequence[str] = ()
) -> ModelFile:
    """The file that a reference names (see `reference`). Blocks while downloading."""
    return _open(parse(reference, filename), report or to_log(), sha256)


def pull(
    reference: str, *, report: Report, sha256: Sequence[str] = (), revision: str = "main"
) -> ModelFile:
    """Like `resolve`, but asks the hub for a newer version of a cached file."""
    return _open(parse(reference, revision=revision), report, sha256, refresh=True)


def open_guide() -> ModelFile:
    """The built-in model."""
    try:
        from sentiric_llama import guide
    except ImportError:
        raise ModelNotFound(
            f"the built-in guide is not part of this build; name a model with {PREFIX}MODEL_ID",
            where="model",
        ) from None
    path = Path(guide.path())
    check_model(path)
    return ModelFile(path, GUIDE_NAME, is_guide=True)


def open_local(path: Path, store: Store | None = None) -> ModelFile:
    """A file, or a folder with exactly one model; with all its parts when it is split."""
    path = path.expanduser()
    if path.is_dir():
        path = _only_model(path)
    parts = [path.with_name(name) for name in shard_names(path.name)]
    check_parts(parts)
    if store is not None:
        store.pin(parts)
    return ModelFile(parts[0], SHARD.sub("", path.name).removesuffix(".gguf"))


def check_parts(paths: Sequence[Path]) -> None:
    """Checks every part of a model, and that they belong together."""
    headers = [check_model(path) for path in paths]
    for path, header in zip(paths, headers, strict=True):
        count = header.number("split.count") or 1
        if len(paths) > 1 and count != len(paths):
            raise ModelInvalid(
                f"{path} is one of {count} parts by its header, one of {len(paths)} by its name",
                where="model",
            )


def _open(
    wanted: Reference, report: Report, sha256: Sequence[str] = (), *, refresh: bool = False
) -> ModelFile:
    if not sha256 and isinstance(wanted, Guide | LocalPath):
        return open_guide() if isinstance(wanted, Guide) else open_local(wanted.path)
    from sentiric_llama.models.store import Store  # late: local files need none

    store = Store(report, sha256)
    match wanted:
        case Guide():
            return open_guide()
        case LocalPath(path):
            return open_local(path, store)
        case HubFile(repo=repo):
            paths = store.from_hub(wanted, refresh=refresh)
            check_parts(paths)
            return ModelFile(paths[0], repo)
        case Url():
            path = store.from_url(wanted)
            check_model(path)
            return ModelFile(path, wanted.filename.removesuffix(".gguf"))


def _in_folder(model_dir: str, *names: str) -> Path | None:
    """The first of these names that is a file in MODEL_DIR."""
    if not model_dir:
        return None
    folder = Path(model_dir).expanduser().resolve()
    for name in names:
        path = (folder / name).resolve()
        if name and path.is_file() and path.is_relative_to(folder):
            return path
    return None


def _only_model(folder: Path) -> Path:
    try:
        entries = [entry.name for entry in folder.iterdir()]
    except OSError as error:
        raise ModelNotFound(f"cannot read {folder}: {error.strerror}", where="model") from None
    names = choose_files(entries, "", str(folder))
    others = [n for n in folder.glob("*.gguf") if n.name not in names and "mmproj" not in n.name]
    if others:
        raise ModelNotFound(
            f"{folder} has several models; name one of them: "
            f"{listed([*names[:1], *(other.name for other in others)])}",
            where="model",
        )
    return folder / names[0]
