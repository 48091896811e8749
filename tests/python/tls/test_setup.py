# SPDX-License-Identifier: AGPL-3.0-only
"""Settings to certificates: whole sets, half sets, production, self-signed, `certs dev`."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from rpc_server import read, serving
from sentiric_llama import cli
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.config import Settings
from sentiric_llama.settings.load import load_settings
from sentiric_llama.tls.dev import make_dev
from sentiric_llama.tls.identity import IdentityFiles, read_identity
from sentiric_llama.tls.make import make_leaf
from sentiric_llama.tls.setup import set_up_tls
from tls_files import Pki


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """A whole set of settings."""
    files = Pki(tmp_path).files
    return {
        "grpc_tls_ca_path": str(files.ca),
        "cert_path": str(files.cert),
        "key_path": str(files.key),
    }


def test_a_whole_set(paths: dict[str, str]) -> None:
    setup = set_up_tls(Settings(**paths))
    assert setup.grpc is not None and setup.https is None and not setup.warnings
    assert setup.certificate_expiry_timestamp() == setup.grpc.current.not_after
    setup = set_up_tls(Settings(**paths, tls="mtls"))
    assert setup.https is setup.grpc and setup.https_client_certificates
    assert len(setup.stores) == 1


def test_the_ca_has_its_old_name(paths: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in paths.items():
        prefix = "" if name == "grpc_tls_ca_path" else "LLM_LLAMA_SERVICE_"
        monkeypatch.setenv(prefix + name.upper(), path)
    setup = set_up_tls(load_settings())
    assert setup.grpc is not None and setup.grpc.current.ca is not None


def test_nothing_is_a_warning() -> None:
    assert not set_up_tls(Settings()).warnings, "nobody else reaches it"
    setup = set_up_tls(Settings(host="0.0.0.0"))
    assert setup.grpc is None and setup.https is None and not setup.stores
    assert setup.certificate_expiry_timestamp() is None
    (warning,) = setup.warnings
    assert "not encrypted" in warning and "certs dev" in warning


@pytest.mark.parametrize("tls", ["off", "auto", "cert", "mtls"])
@pytest.mark.parametrize("mask", range(8))
def test_half_a_set_is_refused_by_name(
    paths: dict[str, str], tmp_path: Path, mask: int, tls: str
) -> None:
    given = {name: path for bit, (name, path) in enumerate(paths.items()) if mask >> bit & 1}
    settings = Settings(**given, tls=tls, tls_dir=str(tmp_path / "own"))  # type: ignore[arg-type]
    needed = paths.keys() - {"grpc_tls_ca_path"} if tls == "cert" else paths.keys()
    missing = needed - given.keys()
    if not missing or (not given and tls in ("off", "auto")):
        set_up_tls(settings)
        return
    with pytest.raises(InvalidArgument) as caught:
        set_up_tls(settings)
    for name in missing:
        assert name.upper() in str(caught.value)


def test_a_certificate_without_a_ca_is_one_way(paths: dict[str, str]) -> None:
    del paths["grpc_tls_ca_path"]
    setup = set_up_tls(Settings(host="0.0.0.0", **paths, tls="cert"))
    assert setup.grpc is setup.https is not None
    assert "without a certificate" in setup.warnings[0]


def test_an_allow_list_needs_a_ca() -> None:
    with pytest.raises(InvalidArgument, match="TLS_ALLOWED_NAMES"):
        set_up_tls(Settings(tls_allowed_names="x"))


def test_production(paths: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument, match=r"ENV=production.*GRPC_INSECURE"):
        set_up_tls(Settings(env="production"))
    assert set_up_tls(Settings(env="production", grpc_insecure=True)).warnings
    assert not set_up_tls(Settings(env="production", **paths)).warnings
    del paths["grpc_tls_ca_path"]
    with pytest.raises(InvalidArgument, match="production"):
        set_up_tls(Settings(env="production", tls="cert", **paths))


@pytest.mark.parametrize("broken", ["grpc_tls_ca_path", "cert_path", "key_path"])
@pytest.mark.parametrize("content", [None, b"", b"no PEM\xff"])
def test_bad_files_are_named(paths: dict[str, str], broken: str, content: bytes | None) -> None:
    path = Path(paths[broken])
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(InvalidArgument) as caught:
        set_up_tls(Settings(**paths))
    assert str(path) in str(caught.value)


def test_self_signed_for_the_own_network(tmp_path: Path) -> None:
    settings = Settings(host="0.0.0.0", tls="auto", tls_dir=str(tmp_path / "a" / "b"))
    setup = set_up_tls(settings)
    assert setup.grpc is setup.https is not None, "on every port"
    assert "without a certificate" in setup.warnings[0]
    first = setup.https.current
    leaf = x509.load_pem_x509_certificate(first.chain)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert "127.0.0.1" in map(str, names.get_values_for_type(x509.IPAddress))
    again = set_up_tls(settings).https
    assert again is not None and again.current == first  # a phone asks once
    files = setup.https.files
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    soon = make_leaf("x", ["x"], days=3)
    files.cert.write_bytes(soon.cert_pem)
    files.key.write_bytes(soon.key_pem)
    renewed = set_up_tls(settings).https
    assert renewed is not None and renewed.current not in (first, soon)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match="TLS_DIR"):
        set_up_tls(Settings(tls="auto", tls_dir=str(tmp_path / "file" / "x")))


async def test_certs_dev_makes_a_set_that_works(tmp_path: Path) -> None:
    made = make_dev(tmp_path / "certs", names=["llm.local"])
    settings: dict[str, Any] = {
        "grpc_tls_ca_path": str(made["ca.crt"]),
        "cert_path": str(made["service-chain.crt"]),
        "key_path": str(made["service.key"]),
        "tls_allowed_names": "sentiric-client",
        "env": "production",
    }
    client = IdentityFiles(made["client.crt"], made["client.key"])
    identity = read_identity(client)

    def channel(address: str) -> Any:
        credentials = grpc.ssl_channel_credentials(
            made["ca.crt"].read_bytes(), identity.key, identity.chain
        )
        return grpc.aio.secure_channel(address, credentials)

    tls = set_up_tls(Settings(**settings))
    async with serving(tls=tls, channel=channel, **settings) as rpc:
        await read(rpc.generate())
    for name, path in made.items():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, name


def test_certs_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["certs", "dev", "--out", str(tmp_path / "x"), "--name", "llm.local"]
    assert cli.main(command) == 0
    printed = capsys.readouterr().out
    for name in (
        "GRPC_TLS_CA_PATH=",
        "LLM_LLAMA_SERVICE_CERT_PATH=",
        "LLM_LLAMA_SERVICE_KEY_PATH=",
    ):
        path = next(line.split("=")[1] for line in printed.splitlines() if name in line)
        assert Path(path).is_file() and Path(path).is_absolute()
    before = (tmp_path / "x" / "ca.crt").read_bytes()
    assert cli.main(command) == 2 and "--force" in capsys.readouterr().err
    assert (tmp_path / "x" / "ca.crt").read_bytes() == before
    assert cli.main([*command, "--force"]) == 0
    assert (tmp_path / "x" / "ca.crt").read_bytes() != before
    with pytest.raises(SystemExit):
        cli.main([*command, "--days", "0"])
    assert "[--days] got 0, allowed an integer 1..3650" in capsys.readouterr().err
