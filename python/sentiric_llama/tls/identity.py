# SPDX-License-Identifier: AGPL-3.0-only
"""A certificate chain with its key, and whom it trusts: checked before anything uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.bounded_files import MAX_PEM_BYTES, read_bounded

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True, slots=True)
class IdentityFiles:
    """Where the PEM files lie. Without `ca`, clients show no certificate."""

    cert: Path
    key: Path
    ca: Path | None = None


def self_signed_in(folder: Path) -> IdentityFiles:
    """The certificate that the server makes for itself, and its key."""
    return IdentityFiles(folder / "self-signed.crt", folder / "self-signed.key")


@dataclass(frozen=True, slots=True)
class Identity:
    """Checked PEM texts. `not_after` is in seconds since 1970."""

    chain: bytes
    key: bytes = field(repr=False)
    ca: bytes | None
    not_after: float


def read_identity(files: IdentityFiles) -> Identity:
    """Reads all files and checks that they can serve.

    Raises InvalidArgument naming the file: unreadable, not PEM, key of another certificate,
    expired, not valid yet.
    """
    chain, key = _read(files.cert), _read(files.key)
    ca = _read(files.ca) if files.ca else None
    leaf = _certificates(chain, files.cert)[0]
    _check_key(leaf, key, files)
    _check_dates(leaf, files.cert)
    if ca is not None and files.ca is not None:
        _certificates(ca, files.ca)
    return Identity(chain, key, ca, leaf.not_valid_after_utc.timestamp())


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, MAX_PEM_BYTES)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None


def _certificates(pem: bytes, path: Path) -> list[x509.Certificate]:
    from cryptography import x509  # late: many servers have no certificate

    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise _refused(path, "got no PEM certificate, allowed one or more") from None


def _check_key(leaf: x509.Certificate, pem: bytes, files: IdentityFiles) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise _refused(files.key, "got no PEM private key without a password") from None
    shapes = [
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for public in (key.public_key(), leaf.public_key())
    ]
    if shapes[0] != shapes[1]:
        raise _refused(files.key, f"is not the key of {files.cert}")


def _check_dates(leaf: x509.Certificate, path: Path) -> None:
    now = datetime.now(UTC)
    if now >= leaf.not_valid_after_utc:
        raise _refused(path, f"expired on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if now < leaf.not_valid_before_utc:
        raise _refused(path, f"is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")


def _refused(path: Path, what: str) -> InvalidArgument:
    return InvalidArgument(f"{path} {what}", where="tls")
