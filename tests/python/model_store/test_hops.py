# SPDX-License-Identifier: AGPL-3.0-only
"""Redirects of downloads: each hop is checked as the first was, by name and by address."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gguf_files import sound
from hub_server import HubServer, hub_server
from sentiric_llama.errors import InvalidArgument, Unavailable
from sentiric_llama.models.download import hops, hub, web
from sentiric_llama.models.download.hops import MAX_REDIRECTS, Place, Trip, place_of, place_of_name
from sentiric_llama.models.download.source import Patience
from sentiric_llama.models.reference import HubFile, Url
from sentiric_llama.models.store import Store

MODEL = sound(20_000)
NAME = "m-Q8_0.gguf"


@pytest.fixture
def server() -> Iterator[HubServer]:
    with hub_server({"org/m": {NAME: MODEL}}) as found:
        yield found


@pytest.fixture(autouse=True)
def home(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    folder = tmp_path / "hf"
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_HOME", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    monkeypatch.setenv("NO_PROXY", "*")
    return folder


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("8.8.8.8", Place.PUBLIC),
        ("2606:4700::1111", Place.PUBLIC),
        ("10.0.0.1", Place.PRIVATE),
        ("172.16.9.9", Place.PRIVATE),
        ("192.168.1.1", Place.PRIVATE),
        ("100.64.0.1", Place.PRIVATE),
        ("fd00::1", Place.PRIVATE),
        ("127.0.0.1", Place.LOOPBACK),
        ("127.8.8.8", Place.LOOPBACK),
        ("::1", Place.LOOPBACK),
        ("::ffff:127.0.0.1", Place.LOOPBACK),
        ("169.254.169.254", Place.SPECIAL),
        ("::ffff:169.254.169.254", Place.SPECIAL),
        ("64:ff9b::a9fe:a9fe", Place.SPECIAL),
        ("2002:0a00:0001::1", Place.PRIVATE),
        ("fe80::1%eth0", Place.SPECIAL),
        ("0.0.0.0", Place.SPECIAL),
        ("224.0.0.1", Place.SPECIAL),
        ("::", Place.SPECIAL),
    ],
)
def test_places(address: str, place: Place) -> None:
    assert place_of(address) is place


def test_names() -> None:
    assert place_of_name("localhost.") is Place.LOOPBACK
    assert place_of_name("localhost.example") is Place.PUBLIC
    assert place_of_name("127.0.0.1") is Place.LOOPBACK


@pytest.mark.parametrize("first", list(Place))
@pytest.mark.parametrize("then", list(Place))
def test_a_redirect_leads_outwards_only(first: Place, then: Place) -> None:
    trip = Trip(is_pinned=True)
    trip.go_to("http://one.example/x.gguf")
    trip.arrive(first)
    trip.go_to("https://two.example/x.gguf")
    if then is not Place.SPECIAL and then <= first:
        trip.arrive(then)
        return
    with pytest.raises(Unavailable, match="redirects the download"):
        trip.arrive(then)


@pytest.mark.parametrize(
    "target",
    [
        "http://files.example/x.gguf",
        "http://10.0.0.9/x.gguf",
        "http://169.254.169.254/latest",
        "https://files.example:22/x.gguf",
        "https://files.example:25/x.gguf",
        "https://user:word@files.example/x.gguf",
        "https://[/x.gguf",
        "https://files.example:99999/x.gguf",
        "https:///x.gguf",
        "ftp://files.example/x.gguf",
        "file:///etc/passwd",
        "data:,x",
    ],
)
def test_a_redirect_from_this_machine_is_held_to_the_same(target: str) -> None:
    """What nobody may name, nobody is sent to."""
    trip = Trip()
    trip.go_to("http://127.0.0.1:8000/x.gguf")
    trip.arrive(Place.LOOPBACK)
    with pytest.raises(Unavailable, match="redirects the download"):
        trip.go_to(target)


def test_a_trip_ends() -> None:
    trip = Trip()
    for hop in range(MAX_REDIRECTS + 1):
        trip.go_to(f"https://files.example/{hop}")
    with pytest.raises(Unavailable, match="more than 5 times"):
        trip.go_to("https://files.example/again")


def test_the_first_address_may_be_anywhere() -> None:
    for url in ("https://10.0.0.9/x.gguf", "http://127.0.0.1:1/x", "https://[::1]/x.gguf"):
        Trip().go_to(url)
    with pytest.raises(InvalidArgument, match="not encrypted"):
        Trip().go_to("http://files.example/x.gguf")
    Trip(is_pinned=True).go_to("http://files.example/x.gguf")


class Trap:
    """Counts who connects."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_server((host, 0))
        self.visits = 0
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.visits += bool(connection.recv(1))
            connection.close()


def test_a_public_server_cannot_send_into_this_machine(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name says nothing; the address that it comes out at is looked at before a byte goes."""
    trap = Trap()
    server.trouble.redirect_to = f"http://localhost:{trap.port}/latest/meta-data"
    real, calls = hops.place_of, []

    def place(address: str) -> Place:
        calls.append(address)
        return Place.PUBLIC if len(calls) == 1 else real(address)

    monkeypatch.setattr(web, "place_of", place)
    with pytest.raises(Unavailable, match="from a public address to a loopback one"):
        web.open_url(f"{server.cdn_url}/org/m//{NAME}", {}, 10)
    trap.socket.close()
    assert len(calls) == 2 and trap.visits == 0


def test_a_loopback_server_cannot_send_into_the_open(server: HubServer) -> None:
    server.trouble.redirect_to = "http://198.51.100.7/x.gguf"
    news = Store(lambda _: None, (), Patience(tries=1, backoff_s=0, stall_s=1))
    with pytest.raises(Unavailable, match="not encrypted"):
        news.from_url(Url(f"{server.cdn_url}/org/m//{NAME}"))
    with pytest.raises(Unavailable, match="not encrypted"):
        news.from_hub(HubFile("org/m", filename=NAME))


def test_the_librarys_own_requests_are_held_to_the_same(server: HubServer) -> None:
    """huggingface_hub follows redirects of the hub's API by itself."""
    for target in ("http://198.51.100.7/api", "https://user@x.example/", "https://x.example:22/"):
        server.trouble.api_redirect_to = target
        with pytest.raises(Unavailable, match="redirects the download"):
            hub.listing("org/m", "main")
    server.trouble.api_redirect_to = f"{server.url}/api/models/org/m"
    server.counts.clear()
    with pytest.raises(Unavailable, match="more than 5 times"):
        hub.listing("org/m", "main")
    assert server.counts["hub GET"] == MAX_REDIRECTS + 1


def test_a_key_stays_with_its_origin() -> None:
    pairs = {
        ("https://a.example/x", "https://a.example:443/y"): True,
        ("https://a.example/x", "https://A.example/y"): True,
        ("https://a.example/x", "https://a.example:8443/y"): False,
        ("https://a.example/x", "https://b.a.example/y"): False,
        ("http://127.0.0.1:80/x", "https://127.0.0.1/y"): False,
    }
    for (one, other), same in pairs.items():
        assert hops.same_origin(one, other) is same, (one, other)
        trip = Trip(is_pinned=True)
        trip.go_to(one)
        request = urllib.request.Request(one, headers={"Authorization": "k", "Cookie": "c"})
        following = web._Redirects(trip).redirect_request(
            request, None, 302, "", {}, other  # type: ignore[arg-type]
        )  # fmt: skip
        assert following is not None
        assert following.has_header("Authorization") is same is following.has_header("Cookie")
