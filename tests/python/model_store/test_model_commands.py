# SPDX-License-Identifier: AGPL-3.0-only
"""`pull`, `models`, `show`, `rm` and `verify`, as a shell runs them."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gguf_files import STRING, sound, value
from hub_server import COMMIT, HubServer, hub_server

Run = Callable[..., subprocess.CompletedProcess[str]]

BIG = sound(3_000_000, general__license=value(STRING, "mit"))
FILES = {
    "org/one": {"one-Q8_0.gguf": BIG},
    "org/two": {"t-Q8_0.gguf": sound(256), "t-Q4_0.gguf": sound(512)},
    "org/split": {
        f"s-0000{part}-of-00002.gguf": sound(256 * part, split__count=struct.pack("<IH", 2, 2))
        for part in (1, 2)
    },
}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server(FILES) as server:
        yield server


@pytest.fixture
def variables(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "LLM_LLAMA_", "LC_"))}
    ours = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1,localhost"}
    return kept | ours | {"LANG": "C.UTF-8", "TERM": "xterm"}


@pytest.fixture
def run(variables: dict[str, str]) -> Run:
    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sentiric_llama", *words]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, done.stderr
        return done

    return run


def test_the_life_of_a_model(run: Run, hub: HubServer, tmp_path: Path) -> None:
    pulled = run("pull", "org/one")
    path = Path(pulled.stdout.strip())
    assert path.read_bytes() == BIG, "the only line on standard output is the path"
    lines = pulled.stderr.splitlines()
    assert lines[0].startswith("downloading one-Q8_0.gguf, 2.9 MiB")
    assert lines[-2].endswith(hashlib.sha256(BIG).hexdigest()) and lines[-1] == "licence: mit"
    steps = [line.split(": ")[1].split(" %")[0] for line in lines if " % (" in line]
    assert len(steps) <= 10 and steps == sorted(steps, key=int) and steps[-1] == "100"

    assert run("pull", "org/one", "-q").stderr == "" and len(hub.transfers) == 1
    run("pull", "org/two:Q4_0")
    (one, two) = json.loads(run("models", "--json").stdout)
    assert (one["model"], two["model"]) == ("org/one/one-Q8_0.gguf", "org/two/t-Q4_0.gguf")
    assert one["size_bytes"] == len(BIG) and one["commit"] == COMMIT and one["missing"] == []
    table = run("ls").stdout.splitlines()
    assert table[1] == "org/one/one-Q8_0.gguf\t2.9 MiB\tcomplete"

    facts = json.loads(run("show", "org/one", "--json").stdout)
    assert facts["architecture"] == "llama" and facts["layers"] == 2 and facts["heads"] == 4
    assert facts["parameters"] == 64 * 8 + 64 + 3_000_064 // 256 * 64 and facts["parts"] == 1
    assert facts["licence"] == "mit" and facts["vocabulary"] == 8 and facts["has_chat_template"]
    assert run("show", "org/one", "--all").stdout.count("tokenizer.ggml.tokens\t[8 items]") == 1

    assert {line.split("\t")[0] for line in run("verify").stdout.splitlines()[1:]} == {"ok"}
    blob = path.resolve()
    blob.chmod(0o644)
    blob.write_bytes(BIG[:-1] + b"\xff")
    assert "damaged" in run("verify", "org/one", code=1).stdout
    run("verify", "org/two")

    removed = run("rm", "org/one").stdout
    assert removed == "removed org/one/one-Q8_0.gguf, 2.9 MiB\n"
    assert not blob.exists() and not (tmp_path / "hub" / "models--org--one").exists()
    assert [m["model"] for m in json.loads(run("models", "--json").stdout)] == [two["model"]]


def test_split_models_come_and_go_whole(run: Run, tmp_path: Path) -> None:
    first = Path(run("pull", "org/split").stdout.strip())
    assert first.name == "s-00001-of-00002.gguf"
    (model,) = json.loads(run("models", "--json").stdout)
    assert model["parts"] == 2
    assert json.loads(run("show", "org/split", "--json").stdout)["parts"] == 2
    first.with_name("s-00002-of-00002.gguf").unlink()
    assert run("models").stdout.splitlines()[1].endswith("incomplete")
    assert "missing" in run("verify", code=1).stdout
    run("rm", "org/split")
    assert not list(tmp_path.rglob("*.gguf")) and not list(tmp_path.rglob("blobs/*"))


def test_one_of_two_files_goes_and_the_other_stays(run: Run) -> None:
    for quant in ("Q8_0", "Q4_0"):
        run("pull", f"org/two:{quant}")
    run("rm", "org/two:Q8_0")
    (model,) = json.loads(run("models", "--json").stdout)
    assert model["model"] == "org/two/t-Q4_0.gguf"
    run("verify", "org/two:Q4_0")


def test_plain_addresses(run: Run, hub: HubServer) -> None:
    address = f"{hub.cdn_url}/org/two//t-Q8_0.gguf"
    digest = hashlib.sha256(FILES["org/two"]["t-Q8_0.gguf"]).hexdigest()
    path = run("pull", f"{address}#sha256={digest}").stdout.strip()
    assert run("pull", address).stdout.strip() == path
    assert run("models").stdout.splitlines()[1].startswith(path)
    assert json.loads(run("show", address, "--json").stdout)["path"] == path
    run("rm", path)
    assert json.loads(run("models", "--json").stdout) == []


def test_refusals_have_their_exit_codes(run: Run, hub: HubServer) -> None:
    assert "no repository org/none" in run("pull", "org/none", code=3).stderr
    assert "not in the cache" in run("show", "org/one", code=3).stderr
    assert "not in the cache" in run("rm", "org/one", "org/two", code=3).stderr
    assert "64 hexadecimal" in run("pull", "org/one", "--sha256", "12", code=2).stderr
    assert "part of this package" in run("rm", "guide", code=3).stderr
    hub.trouble.corrupt = 2
    failed = run("pull", "org/one", "--json", code=4)
    assert failed.stdout == ""
    last = json.loads(failed.stderr.splitlines()[-1])
    assert last["error"]["code"] == "model_invalid"


def test_events_for_programs(run: Run) -> None:
    done = run("pull", "org/one", "--json")
    assert json.loads(done.stdout)["name"] == "org/one"
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["start", "done"]
    sizes = [event["done"] for event in events]
    assert sizes == sorted(sizes) and sizes[-1] == events[-1]["total"] == len(BIG)


def test_turkish(run: Run) -> None:
    done = run("pull", "org/two:Q8_0", "--lang", "tr")
    assert "indiriliyor" in done.stderr and "tamam" in done.stderr


def test_bars_on_a_terminal(variables: dict[str, str], hub: HubServer) -> None:
    hub.trouble.cut_at = [1_000_000]
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "sentiric_llama", "pull", "org/one"]
    child = subprocess.Popen(
        command,
        env=variables | {"COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
    )
    os.close(follower)
    seen = b""
    while chunk := _read(leader):
        seen += chunk
    assert child.communicate(timeout=60)[0].endswith("one-Q8_0.gguf\n")
    text = seen.decode()
    assert "━" in text and "2.9/2.9 MiB" in text
    assert "the connection closed early" in text
    os.close(leader)


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # the other end was closed
        return b""
