# SPDX-License-Identifier: AGPL-3.0-only
"""Names to files: paths, folders, and repositories on a hub that runs on this machine."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama.config import Settings
from sentiric_llama.errors import ModelInvalid, ModelNotFound
from sentiric_llama.models import (
    check_gguf,
    choose_files,
    find_model,
    open_local,
    resolve,
)

GGUF = b"GGUF" + (3).to_bytes(4, "little") + bytes(16)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny-Q8_0.gguf"
    path.write_bytes(GGUF)
    return path


def test_path(model: Path) -> None:
    found = resolve(str(model))
    assert found.path == model and found.name == "tiny-Q8_0" and not found.is_guide
    assert find_model(Settings(model_path=str(model), model_id="org/repo")).path == model


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
    outside = Settings(model_dir=str(model.parent / "sub"), model_filename=f"../{model.name}")
    with pytest.raises(ModelNotFound):
        find_model(outside)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a GGUF file"),
        (b"GGUF", "cut or unknown"),
        (b"GGUF" + (9).to_bytes(4, "little") + bytes(16), "version 9"),
        (b"GGUF\x00\x00\x00\x03" + bytes(16), "allowed 2..3"),
        (b"lmgg" + bytes(20), "old GGML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<html>", "download it again"),
    ],
)
def test_what_is_no_model(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelInvalid, match=words):
        check_gguf(path)


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
    "org/one": {"one-Q8_0.gguf": GGUF + b"one", "README.md": b"hi"},
    "org/many": {"m-Q8_0.gguf": GGUF + b"8", "m-Q4_K_M.gguf": GGUF + b"4", "sub/n.gguf": GGUF},
    "org/split": {f"s-0000{i}-of-00002.gguf": GGUF + bytes([i]) for i in (1, 2)},
    "org/html": {"x.gguf": b"<html>not a model</html>"},
    "org/text": {"README.md": b"hi"},
}


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub's protocol as the client uses for a download."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None: ...

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/models/"):
            self.list_files("/".join(path.split("/")[3:5]))
            return
        repo, _, rest = path.lstrip("/").partition("/resolve/")
        name = rest.partition("/")[2]
        if repo == "org/gated":
            self.answer(403, b"", {"X-Error-Code": "GatedRepo"})
        elif repo not in FILES:
            self.answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif name not in FILES[repo]:
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        else:
            body = FILES[repo][name]
            digest = hashlib.sha256(body).hexdigest()
            linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(body))}
            self.answer(200, body, {"ETag": '"x"', "X-Repo-Commit": COMMIT} | linked)

    def list_files(self, repo: str) -> None:
        if repo not in FILES:
            gated = repo == "org/gated"
            code = "GatedRepo" if gated else "RepoNotFound"
            self.answer(403 if gated else 404, b"", {"X-Error-Code": code})
            return
        files = FILES[repo].items()
        tree = [
            {
                "type": "file",
                "path": name,
                "size": len(body),
                "oid": hashlib.sha1(body).hexdigest(),
                "lfs": {
                    "oid": hashlib.sha256(body).hexdigest(),
                    "size": len(body),
                    "pointerSize": 134,
                },
            }
            for name, body in files
        ]
        siblings = [{"rfilename": name} for name, _ in files]
        info = {"id": repo, "modelId": repo, "sha": COMMIT, "siblings": siblings}
        body = json.dumps(tree if "/tree/" in self.path else info).encode()
        self.answer(200, body, {"Content-Type": "application/json"})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


PROGRAM = """
import json, sys
from sentiric_llama.config import load_settings
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.models import find_model, resolve
out = []
for reference in sys.argv[1:]:
    name, _, filename = reference.partition("|")
    try:
        found = find_model(load_settings(model_id=name, model_filename=filename))
        out.append([found.name, found.path.name, found.path.read_bytes().hex()])
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


def test_hub(hub: str, tmp_path: Path) -> None:
    one = ["org/one", "one-Q8_0.gguf", (GGUF + b"one").hex()]
    four = ["org/many", "m-Q4_K_M.gguf", (GGUF + b"4").hex()]
    eight = ["org/many", "m-Q8_0.gguf", (GGUF + b"8").hex()]
    split = ["org/split", "s-00001-of-00002.gguf", (GGUF + b"\x01").hex()]
    wanted = {
        "org/one": one,
        "org/one|one-Q8_0.gguf": one,
        "org/many": four,
        "org/many:Q8_0": eight,
        "org/many/m-Q8_0.gguf": eight,
        "org/many/sub/n.gguf": ["org/many", "n.gguf", GGUF.hex()],
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


@pytest.mark.parametrize(
    ("reference", "code", "words"),
    [
        ("org/none", "model_not_found", "no repository org/none"),
        ("org/gated", "model_not_found", "HF_TOKEN"),
        ("org/one|no.gguf", "model_not_found", "no file no.gguf"),
        ("org/many:Q2_K", "model_not_found", "it has m-Q4_K_M.gguf"),
        ("org/text", "model_not_found", "holds no .gguf"),
        ("org/html", "model_invalid", "not a GGUF file"),
    ],
)
def test_hub_refusals(hub: str, tmp_path: Path, reference: str, code: str, words: str) -> None:
    ((got, message),) = ask(hub, tmp_path, reference)
    assert got == code and words in message


def test_hub_not_reachable(tmp_path: Path) -> None:
    ((code, message),) = ask("http://127.0.0.1:9", tmp_path, "org/one")
    assert code == "unavailable" and "network" in message and "path" in message
    ((code, message),) = ask("http://127.0.0.1:9", tmp_path, "org/one", HF_HUB_OFFLINE="1")
    assert code == "unavailable" and "HF_HUB_OFFLINE" in message
