# SPDX-License-Identifier: AGPL-3.0-only
"""From a model's name to a verified local file.

A name is empty or `guide` (the built-in model), a path, or a Hugging Face repository:
`org/repo`, `org/repo:QUANT`, `org/repo/file.gguf`. The hub client honours HF_HOME, HF_ENDPOINT,
HF_TOKEN and HF_HUB_OFFLINE.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.config import PREFIX, Settings
from sentiric_llama.errors import ModelInvalid, ModelNotFound, SentiricLlamaError, Unavailable

GUIDE_NAME = "sentiric-guide"
GUIDE_NAMES = frozenset({"", "guide", "default", GUIDE_NAME})
PREFERRED_QUANTS = ("Q4_K_M", "Q5_K_M", "Q8_0", "Q4_K_S", "Q6_K", "Q4_0", "F16", "BF16")
"""Tried in this order when a repository has several files and no QUANT is named."""

_REPO = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+?)(?::(?P<quant>[\w.-]+))?(?:/(?P<file>.+\.gguf))?")
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_MIN_GGUF_BYTES = 24  # magic, version, tensor count, key count

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A local GGUF file whose header was checked, and the name it is served under."""

    path: Path
    name: str
    is_guide: bool = False


def find_model(settings: Settings) -> ModelFile:
    """The configured model as a local file; downloads it when it is on the hub. Blocks.

    Order: MODEL_PATH, MODEL_DIR/MODEL_FILENAME, MODEL_ID (with MODEL_FILENAME), the guide.
    Raises ModelNotFound, ModelInvalid or Unavailable, each saying what to do next.
    """
    if settings.model_path:
        return open_local(Path(settings.model_path))
    in_folder = _in_folder(settings)
    if in_folder is not None:
        return open_local(in_folder)
    if settings.model_filename and not settings.model_id:
        return open_local(Path(settings.model_filename))
    return resolve(settings.model_id, settings.model_filename)


def resolve(reference: str, filename: str = "") -> ModelFile:
    """The file behind one reference (see the module's text). Blocks while downloading."""
    if reference in GUIDE_NAMES:
        return open_guide()
    path = Path(reference).expanduser()
    if path.exists() or _looks_like_path(reference):
        return open_local(path)
    match = _REPO.fullmatch(reference)
    if match is None:
        raise ModelNotFound(
            f"{reference!r} is neither a file nor a repository; "
            "use a path to a .gguf file, org/repo, org/repo:QUANT or org/repo/file.gguf",
            where="model",
        )
    return _download(match["repo"], filename or match["file"] or "", match["quant"] or "")


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
    check_gguf(path)
    return ModelFile(path, GUIDE_NAME, is_guide=True)


def open_local(path: Path) -> ModelFile:
    """A file, or a folder that holds exactly one model."""
    path = path.expanduser()
    if path.is_dir():
        path = _only_model(path)
    check_gguf(path)
    return ModelFile(path, _SHARD.sub("", path.name).removesuffix(".gguf"))


def check_gguf(path: Path) -> None:
    """Refuses what is plainly not a GGUF model before native code opens it."""
    try:
        with path.open("rb") as file:
            head = file.read(_MIN_GGUF_BYTES)
    except FileNotFoundError:
        raise ModelNotFound(f"no file {path}; check the path", where="model") from None
    except OSError as error:
        raise ModelNotFound(f"cannot read {path}: {error.strerror}", where="model") from None
    if head[:4] != b"GGUF":
        raise ModelInvalid(f"{path} is not a GGUF file{_hint(head, path)}", where="model")
    version = int.from_bytes(head[4:8], "little")
    if len(head) < _MIN_GGUF_BYTES or version not in (2, 3):
        raise ModelInvalid(
            f"{path} is a cut or unknown GGUF file; got version {version}, allowed 2..3; "
            "download it again",
            where="model",
        )


def _hint(head: bytes, path: Path) -> str:
    if head.startswith(b"version https://git-lfs"):
        return "; it is a Git LFS pointer, fetch the file itself (git lfs pull)"
    if head[:4] in (b"lmgg", b"tjgg", b"fmgg"):
        return "; it is an old GGML file, use the model's GGUF version"
    if path.suffix == ".safetensors":
        return "; safetensors weights must be converted to GGUF first"
    return "; download it again or choose a .gguf file"


def _looks_like_path(reference: str) -> bool:
    starts = reference.startswith(("/", "./", "../", "~", "\\"))
    return starts or (reference.endswith(".gguf") and reference.count("/") < 2)


def _in_folder(settings: Settings) -> Path | None:
    """The file in MODEL_DIR that the other settings name, if it is there."""
    if not settings.model_dir:
        return None
    folder = Path(settings.model_dir).expanduser().resolve()
    for name in (settings.model_filename, settings.model_id):
        path = (folder / name).resolve()
        if name and path.is_file() and path.is_relative_to(folder):
            return path
    return None


def _only_model(folder: Path) -> Path:
    names = choose_files([entry.name for entry in folder.iterdir()], "", str(folder))
    others = [n for n in folder.glob("*.gguf") if n.name not in names and "mmproj" not in n.name]
    if others:
        raise ModelNotFound(
            f"{folder} holds several models; name one of them: "
            f"{_listed([*names[:1], *(other.name for other in others)])}",
            where="model",
        )
    return folder / names[0]


def choose_files(names: list[str], quant: str, origin: str) -> list[str]:
    """The model's file, or all its shards in order, out of a listing of names.

    `quant` such as "Q4_K_M" must stand in the name; without it `PREFERRED_QUANTS` decides.
    """
    found = sorted(n for n in names if n.endswith(".gguf") and "mmproj" not in n.lower())
    if not found:
        raise ModelNotFound(f"{origin} holds no .gguf file", where="model")
    first = next((hits for hits in _by_quant(found, quant) if hits), None)
    if first is None:
        raise ModelNotFound(f"{origin} has no {quant} file; it has {_listed(found)}", where="model")
    head = first[0]
    if not _SHARD.search(head):
        return [head]
    stem = _SHARD.sub("", head)
    return [name for name in found if _SHARD.sub("", name) == stem and _SHARD.search(name)]


def _by_quant(names: list[str], quant: str) -> list[list[str]]:
    wanted = (quant,) if quant else PREFERRED_QUANTS
    hits = [[name for name in names if _has_quant(name, word)] for word in wanted]
    return hits if quant else [*hits, names]


def _has_quant(name: str, quant: str) -> bool:
    pattern = rf"(?<![A-Za-z0-9]){re.escape(quant)}(?![A-Za-z0-9_])"
    return re.search(pattern, name, re.IGNORECASE) is not None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _download(repo: str, filename: str, quant: str) -> ModelFile:
    """The file from the cache if it names one that is there, else from the hub."""
    path = _cached(repo, filename, quant) if filename or quant else None
    if path is None:
        try:
            path = _fetch(repo, filename, quant)
        except SentiricLlamaError:
            raise
        except Exception as error:
            path = _cached(repo, filename, quant)
            if path is None:
                raise _hub_error(error, repo, filename) from None
            logger.warning("the hub cannot be reached; using %s of an earlier start", path.name)
    check_gguf(path)
    return ModelFile(path, repo)


def _fetch(repo: str, filename: str, quant: str) -> Path:
    """Downloads the model's file, or all its shards, and returns the first."""
    import huggingface_hub  # late: importing it takes longer than all of ours

    names = [filename]
    if not filename or _SHARD.search(filename):
        siblings = huggingface_hub.model_info(repo).siblings or []
        stem = _SHARD.sub("", filename)
        listing = [item.rfilename for item in siblings if item.rfilename.startswith(stem)]
        names = choose_files(listing, quant, repo)
    logger.info("fetching %s from %s", names[0], repo)
    paths = [Path(huggingface_hub.hf_hub_download(repo, name)) for name in names]
    return paths[0]


def _cached(repo: str, filename: str, quant: str) -> Path | None:
    """A complete model of this repository that an earlier start downloaded."""
    import huggingface_hub

    try:
        folder = Path(huggingface_hub.snapshot_download(repo, local_files_only=True))
    except Exception as error:  # other files of the repository may be missing: we want only one
        known = getattr(error, "snapshot_path", None)
        if known is None:
            return None
        folder = Path(known)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.gguf")]
    stem = _SHARD.sub("", filename)
    try:
        chosen = choose_files([n for n in names if n.startswith(stem)], quant, repo)
    except ModelNotFound:
        return None
    shard = _SHARD.search(chosen[0])
    is_complete = shard is None or len(chosen) == int(shard[2])
    is_wanted = not filename or chosen[0] == filename
    return folder / chosen[0] if is_complete and is_wanted else None


def _hub_error(error: Exception, repo: str, filename: str) -> SentiricLlamaError:
    """The hub client's error in our words."""
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
    is_local = isinstance(error, hub.LocalEntryNotFoundError)
    if isinstance(error, hub.EntryNotFoundError) and not is_local:
        return ModelNotFound(
            f"{repo} has no file {filename}; leave the file name out to see a choice",
            where="model",
        )
    if isinstance(error, hub.OfflineModeIsEnabled):
        return Unavailable(
            f"{repo} is not in the local cache and HF_HUB_OFFLINE is set; "
            "unset it once, or give the path of a local file",
            where="model",
        )
    if isinstance(error, OSError) and getattr(error, "errno", None) is not None:
        return Unavailable(f"cannot store {repo}: {error.strerror}; check HF_HOME", where="model")
    return Unavailable(
        f"cannot fetch {repo} from the hub ({type(error).__name__}); check the network and "
        "HF_ENDPOINT, or give the path of a local file",
        where="model",
    )
