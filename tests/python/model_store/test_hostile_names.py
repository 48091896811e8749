# SPDX-License-Identifier: AGPL-3.0-only
"""Names that people and servers give, and the one folder that they may become a path in."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gguf_files import sound
from hub_server import COMMIT, HubServer, hub_server
from sentiric_llama.errors import SentiricLlamaError, Unavailable
from sentiric_llama.models import names
from sentiric_llama.models.cache import RepoCache
from sentiric_llama.models.download.source import Patience
from sentiric_llama.models.reference import HubFile, Url, parse
from sentiric_llama.models.store import Store

MODEL = sound(3_000)
NAME = "m-Q8_0.gguf"
PIECES = (
    *("..", ".", "/", "\\", "//", "~", "-", "--", ":", ";", "|", "&", "$", "`", "'", '"', "*"),
    *("\0", "\n", "\r", "\t", "\x1b[2J", "\x7f", "\x9b", "\u202e", "\u2028", "\ufeff", "%2e%2e"),
    *("main", "a", "Q8_0", ".gguf", ".lock", ".incomplete", "etc/passwd", "refs", " rm -rf", "ş"),
    *("x" * 300, "../" * 30, COMMIT, "CON", "$(id)", "a.", " ", "\ud800"),
)


def hostile(count: int) -> Iterator[str]:
    """Random joins of pieces, the same in every run."""
    random_ = random.Random(10)
    for _ in range(count):
        yield "".join(random_.choices(PIECES, k=random_.randint(1, 5)))


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server({"org/m": {NAME: MODEL}}) as server:
        yield server


@pytest.fixture
def home(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    folder = tmp_path / "in" / "the" / "middle" / "hf"
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HOME", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return folder


def strange(root: Path, home: Path) -> list[Path]:
    """What lies where nothing of a download belongs."""
    repo = home / "hub" / "models--org--m"
    allowed = (home / "sentiric-llama", home / "hub" / ".locks", repo / "blobs", repo / "refs")
    commit = repo / "snapshots" / COMMIT
    files = [path for path in root.rglob("*") if path.is_symlink() or not path.is_dir()]
    folders = [path for path in (repo / "snapshots").glob("*") if path != commit]
    return folders + [
        path
        for path in files
        if not any(path.is_relative_to(place) for place in (*allowed, commit))
    ]


def test_a_hostile_hub_makes_no_file_outside(hub: HubServer, home: Path, tmp_path: Path) -> None:
    """Over a thousand commits, checksums and names; what it says is refused or inside."""
    store = Store(lambda _: None, (), Patience(tries=1, backoff_s=0, stall_s=5))
    refused = 0
    for index, text in enumerate(hostile(1_200)):
        trouble = hub.trouble
        header = text.encode("latin-1", "ignore").decode("latin-1").translate({10: None, 13: None})
        trouble.commit = header if index % 3 == 0 else COMMIT
        trouble.etag = (header or "x") if index % 3 == 1 else None
        trouble.listed = [text, f"{text}.gguf", f"{text}/{NAME}"] if index % 3 == 2 else []
        wanted = HubFile("org/m") if index % 3 == 2 else HubFile("org/m", filename=NAME)
        try:
            store.from_hub(wanted, refresh=True)
        except SentiricLlamaError:
            refused += 1
        assert strange(tmp_path, home) == [], (index, text)
        shutil.rmtree(home, ignore_errors=True)  # else what an earlier run fetched is used
    assert refused > 700


@pytest.mark.parametrize("commit", ["main; rm", "main", "../" * 3, "A" * 40, "0" * 39, "0" * 41])
def test_a_commit_is_forty_digits(hub: HubServer, home: Path, commit: str) -> None:
    hub.trouble.commit = commit
    for wanted in (HubFile("org/m", filename=NAME), HubFile("org/m")):
        with pytest.raises(Unavailable, match="no valid commit or checksum"):
            Store(lambda _: None).from_hub(wanted)
    assert not (home / "hub").exists()


def test_hostile_references_become_no_path() -> None:
    """Repositories, revisions and files that a caller or a settings file names."""
    inside = 0
    for text in hostile(3_000):
        for reference in (text, f"org/{text}", f"org/m@{text}", f"org/m/{text}.gguf",
                          f"https://huggingface.co/{text}/resolve/{text}/{text}"):  # fmt: skip
            try:
                found = parse(reference)
            except SentiricLlamaError:
                continue
            if isinstance(found, HubFile):
                assert names.is_repo(found.repo) and names.is_revision(found.revision), reference
                assert not found.filename or names.is_file_name(found.filename), reference
                assert RepoCache.of(found.repo).folder.name == "models--" + found.repo.replace(
                    "/", "--"
                )
                inside += 1
            if isinstance(found, Url):
                assert names.is_file_name(found.filename), reference
    assert inside > 50, "good ones are among them"


def test_what_is_no_revision_is_refused_wherever_it_comes_from() -> None:
    for revision in ("main; rm", "../x", "a..b", "x.lock", "-x", "", "a//b", "a\n", "r" * 200):
        with pytest.raises(SentiricLlamaError, match="model_revision"):
            parse("org/m", revision=revision)
    for revision in ("main", "v1.0", COMMIT, "refs/pr/12", "feature/x_y"):
        found = parse("org/m", revision=revision)
        assert isinstance(found, HubFile) and found.revision == revision


def test_names_that_repositories_really_have() -> None:
    for repo in ("ggml-org/gemma-3-1b-it-GGUF", "TheBloke/Llama-2-7B.Q4", "a/b", "org_1/x_2"):
        assert names.is_repo(repo)
    for name in (
        NAME, "Q4_K_M/model-00001-of-00002.gguf", "a b (v2) [x]=1,~+.gguf", "şema_ç-Q8_0.gguf"
    ):  # fmt: skip
        assert names.is_file_name(name), name
    for name in ("", ".", "..", "a/../b", "/a", "a/", ".hidden", "-rf.gguf", "a\\b", "a;b", "a:b",
                 "a|b", "a\u202eb", "a\nb", "a\0b", "x" * 201, "a/b/c/d/e/f/g/h/i"):  # fmt: skip
        assert not names.is_file_name(name), name
    for repo in ("a", "a/b/c", "../b", "a/..", "a--b/c", "a/b--c", "a/b..c", "-a/b", "a/b.", "ş/b"):
        assert not names.is_repo(repo), repo


def test_a_path_is_never_made_of_a_bad_name(tmp_path: Path) -> None:
    """The cache looks once more, whoever calls it."""
    cache = RepoCache("org/m", tmp_path)
    for text in hostile(1_000):
        for make in (
            lambda text=text: cache.blob(text),
            lambda text=text: cache.lock(text),
            lambda text=text: cache.pointer(text, NAME),
            lambda text=text: cache.pointer(COMMIT, text),
        ):
            try:
                path = make()
            except SentiricLlamaError:
                continue
            whole = path.resolve()
            assert (
                whole.is_relative_to(tmp_path) or whole.parent.parent == tmp_path.parent / ".locks"
            )
    with pytest.raises(SentiricLlamaError):
        cache.remember("main; rm", COMMIT)
