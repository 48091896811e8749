# SPDX-License-Identifier: AGPL-3.0-only
"""Names to files: paths, folders, and repositories on a hub that runs on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gguf_files import sound
from hub_server import COMMIT, hub_server
from sentiric_llama.errors import ModelNotFound
from sentiric_llama.models import choose_files, find_model, open_local, resolve
from sentiric_llama.settings.config import Settings

GGUF = sound()


def shard(number: int) -> bytes:
    """One of two parts."""
    count = struct.pack("<IH", 2, 2)
    return sound(256 * number, split__count=count, split__no=struct.pack("<IH", 2, number - 1))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny-Q8_0.gguf"
    path.write_bytes(GGUF)
    return path


def test_path(model: Path) -> None:
    found = resolve(str(model))
    assert found.path == model and found.name == "tiny-Q8_0" and not found.is_guide
    assert find_model(Settings(model_path=str(model), model_id="org/repo")).path == model


def test_draft_model(model: Path) -> None:
    other = model.with_name("other.gguf")
    other.write_bytes(GGUF)
    settings = Settings(model_path=str(model))
    assert find_model(settings).draft is None
    for named in (
        {"draft_model": str(other)},
        {"draft_model": other.name, "model_dir": str(model.parent)},
    ):
        found = find_model(settings.model_copy(update=named))
        assert (found.path, found.draft) == (model, other)
    with pytest.raises(ModelNotFound):
        find_model(Settings(model_path=str(model), draft_model="./absent.gguf"))


def test_folder(model: Path) -> None:
    assert resolve(str(model.parent)).path == model
    (model.parent / "mmproj-x.gguf").write_bytes(GGUF)
    assert resolve(str(model.parent)).path == model
    (model.parent / "other.gguf").write_bytes(GGUF)
    with pytest.raises(ModelNotFound, match=r"several.*other\.gguf"):
        resolve(str(model.parent))


def test_model_dir(model: Path) -> None:
    folder = str(model.parent)
    assert find_model(Settings(model_dir=folder, model_filename=model.name)).path == model
    assert find_model(Settings(model_dir=folder, model_id=model.name)).path == model


@pytest.mark.parametrize("name", ["{name}", "../{name}", "{path}", "sub/../../{name}"])
def test_a_file_name_is_one_in_the_model_dir_alone(
    model: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Not one of that name beside the process, or anywhere else."""
    folder = model.parent / "sub"
    (folder / "sub").mkdir(parents=True)
    wanted = name.format(name=model.name, path=model)
    for place in (model.parent, folder):  # where "name" and "../name" are there
        monkeypatch.chdir(place)
        with pytest.raises(ModelNotFound, match=r"\[model_filename\] no file in MODEL_DIR"):
            find_model(Settings(model_dir=str(folder), model_filename=wanted))
        with pytest.raises(ModelNotFound, match="no file in MODEL_DIR"):
            find_model(Settings(model_dir="sub", model_filename=wanted))


def test_without_a_model_dir_a_file_name_is_a_path(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    assert find_model(Settings(model_filename=model.name)).path == Path(model.name)


def test_missing_files(tmp_path: Path) -> None:
    for name in ("./x.gguf", "x.gguf", str(tmp_path / "x.gguf"), "~/nope/x.gguf"):
        with pytest.raises(ModelNotFound, match="no file"):
            resolve(name)
    with pytest.raises(ModelNotFound, match=r"holds no \.gguf"):
        open_local(tmp_path)
    with pytest.raises(ModelNotFound, match="neither a file nor a repository"):
        resolve("one two")


def test_choice_of_files() -> None:
    names = ["a-Q8_0.gguf", "a-Q4_K_M.gguf", "a-IQ4_K_M.gguf", "mmproj-F16.gguf", "README.md"]
    assert choose_files(names, "", "r") == ["a-Q4_K_M.gguf"]
    assert choose_files(names, "q8_0", "r") == ["a-Q8_0.gguf"]
    assert choose_files(["z.gguf", "y.gguf"], "", "r") == ["y.gguf"]
    with pytest.raises(ModelNotFound, match=r"no Q2_K file; it has .*a-Q8_0\.gguf"):
        choose_files(names, "Q2_K", "r")
    shards = [f"b-Q8_0-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
    assert choose_files([*reversed(shards), "a-F16.gguf"], "", "r") == shards


FILES = {
    "org/one": {"one-Q8_0.gguf": sound(), "README.md": b"hi"},
    "org/many": {
        "m-Q8_0.gguf": sound(256),
        "m-Q4_K_M.gguf": sound(512),
        "sub/n.gguf": sound(),
        "../out.gguf": sound(),
    },
    "org/split": {f"s-0000{i}-of-00002.gguf": shard(i) for i in (1, 2)},
    "org/half": {"s-00001-of-00002.gguf": shard(1)},
    "org/html": {"x.gguf": b"<html>not a model</html>"},
    "org/text": {"README.md": b"hi"},
}


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with hub_server(FILES) as server:
        yield server.url


PROGRAM = """
import hashlib, json, sys
from sentiric_llama.settings.load import load_settings
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.models import find_model, resolve
out = []
for reference in sys.argv[1:]:
    name, _, filename = reference.partition("|")
    try:
        found = find_model(load_settings(model_id=name, model_filename=filename))
        digest = hashlib.sha256(found.path.read_bytes()).hexdigest()
        out.append([found.name, found.path.name, digest])
    except SentiricLlamaError as error:
        out.append([error.code.value, str(error)])
print(json.dumps(out))
"""


def ask(hub: str, home: Path, *references: str, **environment: str) -> list[list[str]]:
    """Resolves in a fresh process: the hub client reads its variables when it is imported."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "LLM_LLAMA_"))}
    keep |= {"HF_ENDPOINT": hub, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1"} | environment
    command = [sys.executable, "-c", PROGRAM, *references]
    done = subprocess.run(command, env=keep, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answer(repo: str, name: str) -> list[str]:
    return [repo, name.split("/")[-1], hashlib.sha256(FILES[repo][name]).hexdigest()]


def test_hub(hub: str, tmp_path: Path) -> None:
    one = answer("org/one", "one-Q8_0.gguf")
    four = answer("org/many", "m-Q4_K_M.gguf")
    eight = answer("org/many", "m-Q8_0.gguf")
    split = answer("org/split", "s-00001-of-00002.gguf")
    wanted = {
        "org/one": one,
        "org/one|one-Q8_0.gguf": one,
        "org/one@main": one,
        f"org/one@{COMMIT}": one,
        "https://huggingface.co/org/one/resolve/main/one-Q8_0.gguf": one,
        "org/many": four,
        "org/many:Q8_0": eight,
        "org/many/m-Q8_0.gguf": eight,
        "org/many/sub/n.gguf": answer("org/many", "sub/n.gguf"),
        "org/split": split,
        "org/split|s-00001-of-00002.gguf": split,
    }
    assert ask(hub, tmp_path, *wanted) == list(wanted.values())
    shards = list(tmp_path.rglob("s-0000?-of-00002.gguf"))
    assert len(shards) == 2, "all shards are fetched"
    # What was fetched once is found again without network, with and without saying so.
    assert ask(hub, tmp_path, "org/one", HF_HUB_OFFLINE="1") == [one]
    nowhere = "http://127.0.0.1:9"
    assert ask(nowhere, tmp_path, "org/one", "org/many:Q8_0", "org/split") == [one, eight, split]
    shards[1].unlink()
    ((code, _),) = ask(hub, tmp_path, "org/split", HF_HUB_OFFLINE="1")
    assert code == "unavailable", "half a model is none"


def test_other_tools_of_the_hub_find_it_too(hub: str, tmp_path: Path) -> None:
    ask(hub, tmp_path, "org/one", "org/many/sub/n.gguf")
    program = """
import huggingface_hub as h
print(h.hf_hub_download("org/one", "one-Q8_0.gguf", local_files_only=True))
found = h.scan_cache_dir()
print(found.warnings, sorted(repo.repo_id for repo in found.repos))
"""
    home = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=os.environ | home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path, rest = done.stdout.splitlines()
    assert Path(path).read_bytes() == FILES["org/one"]["one-Q8_0.gguf"]
    assert rest == "[] ['org/many', 'org/one']"


REFUSALS = [
    ("org/none", "model_not_found", "no repository org/none"),
    ("org/gated", "model_not_found", "HF_TOKEN"),
    ("org/one|no.gguf", "model_not_found", "no file no.gguf"),
    ("org/many:Q2_K", "model_not_found", "it has m-Q4_K_M.gguf"),
    ("org/text", "model_not_found", "holds no .gguf"),
    ("org/html", "model_invalid", "web page"),
    ("org/half", "model_not_found", "no file s-00002-of-00002.gguf"),
    ("org/one@other", "model_not_found", "no such revision"),
    ("org/many|../out.gguf", "invalid_argument", "allowed a relative name"),
    ("org/many/../out.gguf", "invalid_argument", "allowed a relative name"),
    ("org/many|/etc/x.gguf", "invalid_argument", "allowed a relative name"),
    ("org/many|a\\..\\x.gguf", "invalid_argument", "allowed a relative name"),
    ("http://models.example/x.gguf", "invalid_argument", "not encrypted"),
    ("https://user:pass@models.example/x.gguf", "invalid_argument", "HF_TOKEN"),
    ("file:///etc/x.gguf", "invalid_argument", "allowed https"),
    ("https://models.example/x.gguf#sha256=12", "invalid_argument", "64 hex digits"),
    ("https://models.example/x.zip", "invalid_argument", ".gguf"),
]


def test_hub_refusals(hub: str, tmp_path: Path) -> None:
    answers = ask(hub, tmp_path, *(reference for reference, _, _ in REFUSALS))
    for (reference, code, words), (got, message, *_) in zip(REFUSALS, answers, strict=True):
        assert (got, words in message) == (code, True), (reference, message)


def test_hub_not_reachable(tmp_path: Path) -> None:
    ((code, message),) = ask("http://127.0.0.1:9", tmp_path, "org/one")
    assert code == "unavailable" and "network" in message and "path" in message
    ((code, message),) = ask("http://127.0.0.1:9", tmp_path, "org/one", HF_HUB_OFFLINE="1")
    assert code == "unavailable" and "HF_HUB_OFFLINE" in message
