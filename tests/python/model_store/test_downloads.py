# SPDX-License-Identifier: AGPL-3.0-only
"""Downloads over a network that cuts, stalls, lies and damages: the right file or none."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gguf_files import sound
from http_client import wait_until
from hub_server import HubServer, hub_server
from sentiric_llama.errors import (
    InvalidArgument,
    ModelInvalid,
    ModelNotFound,
    SentiricLlamaError,
    Unavailable,
)
from sentiric_llama.models.digest import Digest
from sentiric_llama.models.download.progress import Progress
from sentiric_llama.models.download.source import Patience
from sentiric_llama.models.reference import HubFile, Url
from sentiric_llama.models.store import Store

MODEL = sound(300_000)
SHA256 = hashlib.sha256(MODEL).hexdigest()
NAME = "m-Q8_0.gguf"
WANTED = HubFile("org/m", filename=NAME)
HURRIED = Patience(tries=3, backoff_s=0, stall_s=0.3)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server({"org/m": {NAME: MODEL}}) as server:
        yield server


@pytest.fixture(autouse=True)
def home(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's client reads its variables when it is imported; its constants can be changed."""
    from huggingface_hub import constants

    folder = tmp_path / "hf"
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HOME", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return folder


RACER = """
from sentiric_llama.models import resolve
found = resolve("org/m:Q8_0")
print(found.path.name, len(found.path.read_bytes()))
"""


class News(list[Progress]):
    def __call__(self, news: Progress) -> None:
        self.append(news)

    def of(self, kind: str) -> list[Progress]:
        return [item for item in self if item.kind == kind]


def store(news: Callable[[Progress], None] = lambda _: None, *sha256: str) -> Store:
    return Store(news, sha256, HURRIED)


def final_names(home: Path) -> list[str]:
    """Names under which a model could be opened."""
    blobs = [p for p in home.rglob("blobs/*") if ".incomplete" not in p.name]
    return [p.name for p in [*blobs, *home.rglob("*.gguf")]]


def kept_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*.incomplete"))


def test_fifty_interrupted_downloads(hub: HubServer, home: Path) -> None:
    """Each is cut up to three times at random; all end with the right content."""
    random_ = random.Random(50)
    for _ in range(50):
        shutil.rmtree(home, ignore_errors=True)
        cuts = sorted(random_.randrange(1, len(MODEL)) for _ in range(random_.randint(1, 3)))
        hub.trouble.cut_at = list(cuts)
        hub.transfers.clear()
        (path,) = store().from_hub(WANTED)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
        assert [offset for _, offset in hub.transfers] == [0, *cuts], "resumed where it was cut"


def test_connections_that_are_reset(hub: HubServer, home: Path) -> None:
    """What the client's system drops with them is fetched again, and nothing else."""
    random_ = random.Random(51)
    hub.trouble.resets = True
    for _ in range(20):
        shutil.rmtree(home, ignore_errors=True)
        cuts = sorted(random_.randrange(100_000, len(MODEL)) for _ in range(2))
        hub.trouble.cut_at = list(cuts)
        hub.transfers.clear()
        news = News()
        (path,) = store(news).from_hub(WANTED)
        assert path.read_bytes() == MODEL
        offsets = [offset for _, offset in hub.transfers]
        assert offsets == sorted(offsets) and len(offsets) == 3
        assert all(offset <= cut for offset, cut in zip(offsets[1:], cuts, strict=True))
        assert {item.note for item in news.of("retry")} == {"Connection reset by peer"}


def test_a_killed_download_is_taken_up_by_the_next(hub: HubServer, home: Path) -> None:
    hub.trouble.stall_at = [131_072]
    ours = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}
    process = subprocess.Popen([sys.executable, "-c", RACER], env=os.environ | ours)
    try:
        assert hub.stalled.wait(60)
        assert wait_until(lambda: kept_bytes(home) == 131_072)
    finally:
        process.kill()
        process.wait()
    assert final_names(home) == []
    (path,) = store().from_hub(WANTED)
    assert path.read_bytes() == MODEL
    assert [offset for _, offset in hub.transfers] == [0, 131_072]
    assert not list(home.rglob("*.incomplete*"))


def test_a_run_that_was_given_up_is_taken_up_by_the_next(hub: HubServer, home: Path) -> None:
    hub.trouble.cut_at = [100_000, 0, 0, 0]
    with pytest.raises(Unavailable, match="start again to resume"):
        store().from_hub(WANTED)
    assert final_names(home) == []
    hub.trouble.cut_at.clear()
    hub.transfers.clear()
    news = News()
    (path,) = store(news).from_hub(WANTED)
    assert path.read_bytes() == MODEL
    assert hub.transfers == [(NAME, 100_000)]
    assert news.of("start")[0].done == 100_000 and news.of("done")[0].note == f"sha256 {SHA256}"


def test_a_hundred_corrupted_downloads(hub: HubServer, home: Path) -> None:
    for _ in range(100):
        hub.trouble.corrupt = 2
        with pytest.raises(ModelInvalid, match="damaged twice"):
            store().from_hub(WANTED)
        assert final_names(home) == []
    with pytest.raises(ModelInvalid) as caught:
        hub.trouble.corrupt = 2
        store().from_hub(WANTED)
    assert SHA256 in str(caught.value), "both checksums are named"


def test_damage_that_happens_once_is_repaired(hub: HubServer) -> None:
    hub.trouble.corrupt = 1
    news = News()
    (path,) = store(news).from_hub(WANTED)
    assert path.read_bytes() == MODEL and news.of("retry")[0].note == "wrong checksum"


def test_stalls_and_server_errors_are_waited_out(hub: HubServer) -> None:
    hub.trouble.stall_at = [65_536]
    hub.trouble.status = [503, 429]
    news = News()
    (path,) = store(news).from_hub(WANTED)
    assert path.read_bytes() == MODEL
    notes = [item.note for item in news.of("retry")]
    assert notes == ["the server answered 503", "the server answered 429", "the server is silent"]


def test_a_busy_hub_is_asked_again(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiric_llama.models.download.hub._PAUSES_S", (0.0, 0.0))
    hub.trouble.hub_status = [503, 429]
    assert store().from_hub(WANTED)
    hub.trouble.hub_status = [500, 500, 500]
    with pytest.raises(Unavailable, match="cannot get org/n from the hub"):
        store().from_hub(HubFile("org/n"))


def test_a_trickle_is_no_download(hub: HubServer) -> None:
    """Bytes that come, but never enough of them: each try is ended, and the next goes on."""
    hub.trouble.chunk, hub.trouble.delay_s = 64, 0.01
    notes: list[str] = []

    def hear(news: Progress) -> None:
        if news.kind == "retry":
            notes.append(news.note)
            hub.trouble.chunk, hub.trouble.delay_s = 64 * 1024, 0

    patience = Patience(tries=2, backoff_s=0, stall_s=0.1, slow_bytes=10**6)
    (path,) = Store(hear, (), patience).from_hub(WANTED)
    assert path.read_bytes() == MODEL and notes == ["the server is too slow"]


def test_a_trickle_for_ever_ends(hub: HubServer, home: Path) -> None:
    """A few bytes in each try are no progress; they are kept for the next run all the same."""
    hub.trouble.chunk, hub.trouble.delay_s = 64, 0.01
    patience = Patience(tries=3, backoff_s=0, stall_s=0.1, slow_bytes=10**6)
    with pytest.raises(Unavailable, match=r"the server is too slow\) after 3 tries"):
        Store(lambda _: None, (), patience).from_hub(WANTED)
    assert len(hub.transfers) == 3 and final_names(home) == []
    hub.trouble.chunk, hub.trouble.delay_s = 64 * 1024, 0
    (path,) = store().from_hub(WANTED)
    assert path.read_bytes() == MODEL and hub.transfers[3][1] > hub.transfers[2][1] > 0


def test_a_server_without_ranges(hub: HubServer) -> None:
    hub.trouble.ignores_range = True
    hub.trouble.cut_at = [1000, 150_000]
    (path,) = store().from_hub(WANTED)
    assert path.read_bytes() == MODEL
    assert [offset for _, offset in hub.transfers] == [0, 0, 0]


def test_a_wrong_range_and_a_refused_range(hub: HubServer) -> None:
    hub.trouble.cut_at = [70_000]
    notes = []

    def meddle(news: Progress) -> None:
        if news.kind != "retry":
            return
        notes.append(news.note)
        if notes == ["the connection closed early"]:
            hub.trouble.wrong_range = 5
        elif notes[-1:] == ["the server sent another range"]:
            hub.trouble.cut_at = [80_000]

    (path,) = store(meddle).from_hub(WANTED)
    assert path.read_bytes() == MODEL
    assert [offset for _, offset in hub.transfers] == [0, 70_000, 0, 80_000]
    assert notes == [
        "the connection closed early",
        "the server sent another range",
        "the connection closed early",
    ]


def test_a_range_behind_the_end(hub: HubServer) -> None:
    """416 is no success: what is here is not this content."""
    hub.files["org/m"][NAME] = MODEL[:1000]
    url = Url(f"{hub.cdn_url}/org/m//{NAME}")
    hub.trouble.cut_at = [1000]
    hub.trouble.declared_extra = 64
    notes = []

    def meddle(news: Progress) -> None:
        if news.kind == "retry":
            notes.append(news.note)
            hub.trouble.declared_extra = 0

    path = store(meddle).from_url(url)
    assert path.read_bytes() == MODEL[:1000]
    assert notes == ["the connection closed early", "the server does not know this range"]


def test_content_that_changes_meanwhile_is_started_again(hub: HubServer) -> None:
    """If-Range: the rest of another content is never put behind what is here."""
    hub.trouble.tags = ["v1", "v2"]
    hub.trouble.cut_at = [120_000]
    path = store().from_url(Url(f"{hub.cdn_url}/org/m//{NAME}"))
    assert path.read_bytes() == MODEL
    assert [offset for _, offset in hub.transfers] == [0, 0]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("html", True, "sends 26 bytes of"),
        ("declared_extra", 64, "the server sends"),
        ("redirects_for_ever", True, "more than 5 times"),
        ("status", [401], "HF_TOKEN"),
        ("status", [404], "the server has no"),
        ("status", [400], "answered 400"),
        ("status", [500, 500, 500], "after 3 tries"),
    ],
)
def test_refusals(hub: HubServer, home: Path, field: str, value: object, words: str) -> None:
    setattr(hub.trouble, field, value)
    with pytest.raises(SentiricLlamaError, match=words):
        store().from_hub(WANTED)
    assert final_names(home) == []


@pytest.mark.parametrize("length", ["abc", "-5", "\u00b2", "9" * 5000])
def test_a_length_that_is_no_number(hub: HubServer, length: str) -> None:
    """The file goes up to the end of its connection then."""
    hub.trouble.content_length = length
    path = store().from_url(Url(f"{hub.cdn_url}/org/m//{NAME}"))
    assert path.read_bytes() == MODEL


def test_a_sign_in_page_is_no_model(hub: HubServer, home: Path) -> None:
    hub.trouble.html = True
    with pytest.raises(ModelInvalid, match="a web page"):
        store().from_url(Url(f"{hub.cdn_url}/org/m//{NAME}"))
    assert final_names(home) == []


def test_the_token_stays_with_the_hub(hub: HubServer) -> None:
    store().from_hub(WANTED)
    sent = {role: headers.get("authorization") for role, headers in hub.seen}
    assert sent == {"hub": "Bearer hf_secret", "cdn": None}


def test_redirects_do_not_leave_encryption_or_go_on_for_ever() -> None:
    import urllib.request

    from sentiric_llama.models.download.hops import MAX_REDIRECTS, Trip
    from sentiric_llama.models.download.web import _Redirects

    trip = Trip()
    trip.go_to("https://a.example/x")
    handler = _Redirects(trip)
    request = urllib.request.Request("https://a.example/x", headers={"Authorization": "Bearer k"})
    for target in ("http://a.example/x", "file:///etc/passwd", "ftp://a.example/x"):
        with pytest.raises(Unavailable, match="redirects the download"):
            handler.redirect_request(request, None, 302, "", {}, target)  # type: ignore[arg-type]
    for target, key in (("/y", "Bearer k"), ("https://b.example/x", None)):
        following = handler.redirect_request(request, None, 302, "", {}, target)  # type: ignore[arg-type]
        assert following is not None and following.get_header("Authorization") == key
    assert handler.max_redirections == MAX_REDIRECTS == 5


def test_pinned_checksums(hub: HubServer, home: Path) -> None:
    other = "0" * 64
    with pytest.raises(ModelInvalid, match="not the pinned file"):
        store(lambda _: None, other).from_hub(WANTED)
    assert final_names(home) == []
    with pytest.raises(InvalidArgument, match="got 2 checksums"):
        store(lambda _: None, SHA256, SHA256).from_hub(WANTED)
    assert store(lambda _: None, SHA256).from_hub(WANTED)
    with pytest.raises(ModelInvalid, match="not the pinned file"):
        store(lambda _: None, other).from_hub(WANTED)
    url = f"{hub.cdn_url}/org/m//{NAME}"
    with pytest.raises(ModelInvalid, match="damaged twice"):
        store().from_url(Url(url, other))
    assert store().from_url(Url(url, SHA256)).read_bytes() == MODEL


def test_a_file_damaged_in_the_cache_is_not_used(
    hub: HubServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    (path,) = store().from_hub(WANTED)
    blob = path.resolve()
    assert blob.name == SHA256 and blob.stat().st_mode & 0o222 == 0, "read-only"
    blob.chmod(0o644)
    blob.write_bytes(MODEL[:-1] + b"\xff")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelInvalid, match="is damaged"):
        store().from_hub(WANTED)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    (again,) = store().from_hub(WANTED)
    assert again.read_bytes() == MODEL, "the network repairs it"


def test_a_file_is_hashed_once(hub: HubServer) -> None:
    news = News()
    for _ in range(3):
        store(news).from_hub(WANTED)
    assert [item.kind for item in news if item.kind != "progress"] == ["start", "done"]
    (path,) = store(news).from_hub(WANTED)
    os.utime(path.resolve())
    store(news).from_hub(WANTED)
    store(news).from_hub(WANTED)
    assert len(news.of("checking")) == 1
    assert len(hub.transfers) == 1


def test_eight_racers_cause_one_transfer(hub: HubServer, home: Path) -> None:
    hub.trouble.delay_s = 0.05
    ours = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER], env=os.environ | ours, stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    answers = [racer.communicate(timeout=120)[0].strip() for racer in racers]
    assert answers == [f"{NAME} {len(MODEL)}"] * 8
    assert hub.transfers == [(NAME, 0)]


def test_a_full_disk_is_seen_before_the_first_byte(
    hub: HubServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=len(MODEL) + 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Unavailable, match=r"MiB free.*MiB are needed"):
        store().from_hub(WANTED)
    assert hub.transfers == [] and final_names(home) == []


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.models import resolve
try:
    resolve("org/m:Q8_0")
except SentiricLlamaError as error:
    print(error)
"""


def test_a_disk_that_fills_up_leaves_no_final_name(hub: HubServer, home: Path) -> None:
    ours = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}
    command = [sys.executable, "-c", FULL]
    done = subprocess.run(command, env=os.environ | ours, capture_output=True, text=True)
    assert "cannot store" in done.stdout and "File too large" in done.stdout, done.stderr
    assert final_names(home) == [] and not list(home.rglob("*.incomplete"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100_000


def test_a_real_small_disk(hub: HubServer, home: Path) -> None:
    """A tmpfs of 200 KB in a mount namespace of its own."""
    home.mkdir()
    script = f"""
mount -t tmpfs -o size=200k none {home} || exit 77
{sys.executable} - <<'END'
import shutil
from sentiric_llama.errors import SentiricLlamaError
from sentiric_llama.models import disk, resolve
for is_checked in (True, False):
    if not is_checked:
        disk.require_space = lambda *_: None
    try:
        resolve("org/m:Q8_0")
    except SentiricLlamaError as error:
        print(error)
END
find {home} -name '*.gguf' -o -path '*/blobs/*' -type f
"""
    ours = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script],
        env=os.environ | ours,
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0,):
        pytest.skip(f"no mount namespaces here: {done.stderr.strip()[:80]}")
    before, after = done.stdout.splitlines()
    assert "MiB are needed" in before and "No space left on device" in after


def test_a_folder_that_cannot_be_written(hub: HubServer, home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot store"):
        store().from_hub(WANTED)


def test_digests_of_git_files() -> None:
    digest = Digest("b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0")
    hasher = digest.hasher(5)
    hasher.update(b"hello")
    assert hasher.hexdigest() == digest.hex and json.dumps(digest.name) == '"git-sha1"'


def test_a_missing_file_of_the_hub(hub: HubServer) -> None:
    with pytest.raises(ModelNotFound, match="no file nope"):
        store().from_hub(HubFile("org/m", filename="nope.gguf"))
