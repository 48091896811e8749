# SPDX-License-Identifier: AGPL-3.0-only
"""Which port speaks TLS, and as whom, out of the settings. Half a configuration is refused."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.private_files import make_private_folder, write_private
from sentiric_llama.settings.config import PREFIX, Settings
from sentiric_llama.settings.exposure import is_public_address
from sentiric_llama.tls.identity import IdentityFiles, read_identity, self_signed_in
from sentiric_llama.tls.store import IdentityStore

_RENEW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class TlsSetup:
    """None is plain text. Both ports may share one store."""

    grpc: IdentityStore | None = None
    https: IdentityStore | None = None
    https_client_certificates: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def stores(self) -> list[IdentityStore]:
        """Each store once."""
        found = [store for store in (self.grpc, self.https) if store is not None]
        return list({id(store): store for store in found}.values())

    def certificate_expiry_timestamp(self) -> float | None:
        """When the first certificate in use expires, in seconds since 1970; None without TLS."""
        times = [store.certificate_expiry_timestamp() for store in self.stores]
        return min(times, default=None)


def set_up_tls(settings: Settings) -> TlsSetup:
    """Reads and checks what the settings name. Raises InvalidArgument saying what is missing."""
    files = configured_files(settings)
    own = IdentityStore(files) if files else None
    made = IdentityStore(automatic_files(settings)) if settings.tls == "auto" else None
    https = made or own
    return TlsSetup(
        grpc=own or made,
        https=None if settings.tls == "off" else https,
        https_client_certificates=settings.tls == "mtls",
        warnings=grpc_warnings(settings, files),
    )


def check_tls(settings: Settings) -> tuple[str, ...]:
    """The warnings of `set_up_tls`, and its errors, without making a certificate."""
    files = configured_files(settings)
    if files is not None:
        read_identity(files)
    if settings.tls == "auto":
        _check_folder(Path(settings.tls_dir).expanduser())
    return grpc_warnings(settings, files)


def _check_folder(folder: Path) -> None:
    """Raises InvalidArgument when no certificate could be kept there."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise _unusable(folder, f"{there} is not a directory")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _unusable(folder, "no permission to write")


def _unusable(folder: Path, reason: str | None) -> InvalidArgument:
    text = f"cannot use {folder}: {reason}; choose another directory with {PREFIX}TLS_DIR"
    return InvalidArgument(text, where="tls")


def configured_files(settings: Settings) -> IdentityFiles | None:
    """The files named by the settings: a whole set, or none."""
    names = {
        "GRPC_TLS_CA_PATH": settings.grpc_tls_ca_path,
        f"{PREFIX}CERT_PATH": settings.cert_path,
        f"{PREFIX}KEY_PATH": settings.key_path,
    }
    given = [name for name, path in names.items() if path]
    needed = list(names)[1:] if settings.tls == "cert" else list(names)
    missing = [name for name in needed if name not in given]
    if missing and (given or settings.tls in ("cert", "mtls")):
        raise InvalidArgument(
            f"half configured: {', '.join(missing)} missing"
            f"{', ' + ', '.join(given) + ' given' if given else ''}; "
            "set all of them, or none and tls off",
            where="tls",
        )
    if settings.tls_allowed_names and not settings.grpc_tls_ca_path:
        raise InvalidArgument(
            f"{PREFIX}TLS_ALLOWED_NAMES is set but no client shows a certificate; "
            "set GRPC_TLS_CA_PATH, too",
            where="tls",
        )
    if not given:
        return None
    ca = Path(settings.grpc_tls_ca_path) if settings.grpc_tls_ca_path else None
    return IdentityFiles(Path(settings.cert_path), Path(settings.key_path), ca)


def automatic_files(settings: Settings) -> IdentityFiles:
    """A self-signed certificate for this machine's names; kept, so that a phone asks once."""
    folder = Path(settings.tls_dir).expanduser()
    files = self_signed_in(folder)
    try:
        make_private_folder(folder)  # before a key in it is believed
        if not _is_usable(files):
            from sentiric_llama.tls.make import local_names, make_leaf

            pair = make_leaf("sentiric-llama", local_names())
            write_private(files.key, pair.key_pem)
            write_private(files.cert, pair.cert_pem)
    except OSError as error:
        raise _unusable(folder, error.strerror) from None
    return files


def _is_usable(files: IdentityFiles) -> bool:
    try:
        left = read_identity(files).not_after - datetime.now(UTC).timestamp()
    except InvalidArgument:
        return False
    return left > _RENEW.total_seconds()


def grpc_warnings(settings: Settings, files: IdentityFiles | None) -> tuple[str, ...]:
    """What gRPC lacks where others can reach it. Raises InvalidArgument in production."""
    if files is not None and files.ca is not None:
        return ()
    is_encrypted = files is not None or settings.tls == "auto"
    lacks = "takes callers without a certificate" if is_encrypted else "is not encrypted"
    text = (
        f"gRPC {lacks}; set GRPC_TLS_CA_PATH, {PREFIX}CERT_PATH and {PREFIX}KEY_PATH "
        "(`sentiric-llama certs dev` makes a set)"
    )
    is_production = settings.env == "production"
    if is_production and not settings.grpc_insecure:
        raise InvalidArgument(
            f"refused with ENV=production: {text}, or {PREFIX}GRPC_INSECURE=true", where="tls"
        )
    return (text,) if is_production or is_public_address(settings.host) else ()
