# SPDX-License-Identifier: AGPL-3.0-only
"""Which server a client command means: the one that `serve` with the same sources would be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sentiric_llama import cli
from sentiric_llama.client.configured import ConfiguredServer, Flags, configured
from sentiric_llama.commands._server import configured_of
from sentiric_llama.commands.table import COMMANDS
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import PREFIX
from sentiric_llama.settings.files import FILE_NAME
from sentiric_llama.tls.dev import make_dev

CLIENTS = ("chat", "generate", "tokenize", "embed", "bench", "interrupt-test")
CLIENTS += ("scenarios", "ps", "health", "wait", "profile", "switch")
WORDS = {"tokenize": ["x"], "embed": ["x"], "profile": ["list"], "switch": ["x"]}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX) or name in ("ENV", "GRPC_TLS_CA_PATH"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def of_command(name: str, *flags: str) -> ConfiguredServer:
    words = [name, *WORDS.get(name, []), *flags]
    return configured_of(cli.build_parser(words)[0].parse_args(words))


def write(source: str, monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
    """Puts the settings into one of the sources of `serve`."""
    if source == "toml":
        lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
        Path(FILE_NAME).write_text("".join(lines))
    elif source == ".env":
        lines = [f"{PREFIX}{name.upper()}={value}\n" for name, value in settings.items()]
        Path(".env").write_text("".join(lines))
    else:
        for name, value in settings.items():
            monkeypatch.setenv(PREFIX + name.upper(), str(value))


def test_every_command_that_asks_a_server_is_here() -> None:
    parsers = cli.build_parser([command.name for command in COMMANDS])[1]
    asking = [c.name for c in COMMANDS if "--url" in parsers[c.name]._option_string_actions]
    assert sorted(asking) == sorted(CLIENTS)


@pytest.mark.parametrize("source", ["toml", ".env", "environment"])
@pytest.mark.parametrize("command", CLIENTS)
def test_each_source_is_read_by_each_command(
    command: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(source, monkeypatch, http_port=7000, host="::", tls="auto", api_key="hush")
    server = of_command(command).http(1)
    assert (server.url, server.api_key) == ("https://[::1]:7000", "hush")
    assert of_command(command, "--url", "http://other:1").url == "http://other:1"
    assert of_command(command, "--api-key", "mine").http(1).api_key == "mine"


def test_the_layers_have_the_order_of_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of_command("health").url == "http://127.0.0.1:16070"
    write("toml", monkeypatch, http_port=1, contexts=0)  # what is wrong elsewhere is not asked
    assert of_command("health").url.endswith(":1")
    write(".env", monkeypatch, http_port=2)
    assert of_command("health").url.endswith(":2")
    write("environment", monkeypatch, http_port=3)
    assert of_command("health").url.endswith(":3")
    Path("other.toml").write_text("grpc_port = 9")
    assert of_command("health", "--config", "other.toml").url.endswith(":3")
    monkeypatch.setenv(PREFIX + "HTTP_PORT", "many")
    with pytest.raises(InvalidArgument, match=f"{PREFIX}HTTP_PORT: got 'many'"):
        of_command("health")
    monkeypatch.setenv(PREFIX + "HTTP_PORT", "0")
    with pytest.raises(InvalidArgument, match=r"any free port: name its address with --url"):
        _ = of_command("health").url


@pytest.mark.parametrize(
    ("given", "role", "key"),
    [
        ({"api_key": "a", "api_keys": "x:user:b", "admin_key": "c"}, "user", "a"),
        ({"api_keys": "s:metrics:m, x:user:b", "admin_key": "c"}, "user", "b"),
        ({"admin_key": "c"}, "user", "c"),
        ({"metrics_key": "m"}, "user", ""),
        ({"metrics_key": "m"}, "metrics", "m"),
        ({}, "user", ""),
    ],
)
def test_the_key_that_opens_it(given: dict[str, str], role: str, key: str) -> None:
    server = configured(Flags(), **given).http(1, reads_statistics=role == "metrics")
    assert server.api_key == key
    elsewhere = configured(Flags(url="http://other:16070"), **given).http(1)
    assert elsewhere.api_key == given.get("api_key", ""), "keys of the list stay here"


def test_a_key_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("key").write_text("hush\n")
    write("environment", monkeypatch, api_key_file="key")
    assert of_command("ps").http(1).api_key == "hush"
    Path("admin").write_text("root\n")
    assert of_command("switch", "--admin-key-file", "admin").admin_key == "root"
    with pytest.raises(InvalidArgument, match=r"--admin-key-file: cannot read absent"):
        of_command("switch", "--admin-key-file", "absent")


def test_certificates_of_the_configured_server(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {name: str(path) for name, path in make_dev(Path("certs"), names=[]).items()}
    chain, key, ca = paths["service-chain.crt"], paths["service.key"], paths["ca.crt"]
    monkeypatch.setenv("GRPC_TLS_CA_PATH", ca)
    write("environment", monkeypatch, tls="mtls", cert_path=chain, key_path=key, grpc_port=2)
    trust = of_command("health").http(1).trust
    assert (trust.server_cert, trust.cert_file, trust.key_file) == (chain, chain, key)
    rpc = of_command("health", "--grpc-endpoint", "localhost:2").grpc(1)
    assert rpc is not None and rpc.address == "grpcs://localhost:2" and rpc.trust == trust
    rpc = of_command("health", "--grpc-endpoint", "localhost:3").grpc(1)
    assert rpc is not None and rpc.address == "localhost:3" and not rpc.trust.cert_file
    own = ("--ca-file", ca, "--cert-file", paths["client.crt"], "--key-file", paths["client.key"])
    trust = of_command("health", *own).http(1).trust
    assert (trust.server_cert, trust.ca_file, trust.cert_file) == ("", *own[1:4:2])
    other = of_command("health", "--url", "https://other").http(1).trust
    assert not (other.server_cert or other.cert_file)
    assert of_command("health", "--url", "127.0.0.1:16070").url == "https://127.0.0.1:16070"


@pytest.mark.parametrize("flag", ["--ca-file", "--cert-file", "--key-file"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_file_that_cannot_be_read_is_named(flag: str, scheme: str) -> None:
    """Over plain HTTP too: whoever names it means it to be used."""
    with pytest.raises(InvalidArgument, match=r"cannot read nope\.crt: No such file"):
        of_command("ps", "--url", f"{scheme}://127.0.0.1:9", flag, "nope.crt")


@pytest.mark.parametrize("content", [b"", b"no PEM\xff", b"-----BEGIN CERTIFICATE-----\nx"])
def test_a_file_without_a_certificate_is_named(content: bytes) -> None:
    Path("bad.crt").write_bytes(content)
    for flag in ("--ca-file", "--cert-file"):
        server = of_command("ps", "--url", "https://127.0.0.1:9", flag, "bad.crt").http(1)
        with pytest.raises(InvalidArgument, match=r"bad\.crt (contains|is) no certificate"):
            server.get("/")
