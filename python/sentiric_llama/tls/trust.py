# SPDX-License-Identifier: AGPL-3.0-only
"""Whom a client believes, and what it shows of itself."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.bounded_files import MAX_PEM_BYTES, read_bounded
from sentiric_llama.host.printable import brief

NO_CERTIFICATE = "contains no certificate in PEM form"


@dataclass(frozen=True, slots=True)
class Trust:
    """Names of PEM files, each may be empty."""

    ca_file: str = ""
    """Authorities that are trusted besides the system's."""
    cert_file: str = ""
    """Shown to a server that asks for it, with `key_file`."""
    key_file: str = ""
    server_cert: str = ""
    """The very certificate that the server has: it alone is trusted then, under any name."""

    def check(self) -> None:
        """Raises InvalidArgument naming a file that cannot be read."""
        for path in (self.ca_file, self.cert_file, self.key_file):
            read(path)

    def context(self) -> ssl.SSLContext:
        """For HTTPS. Raises InvalidArgument naming the file that cannot be used."""
        self.check()
        context = self._pinned() if self.server_cert else ssl.create_default_context()
        if self.ca_file:
            with _refusing(self.ca_file, NO_CERTIFICATE):
                context.load_verify_locations(_expanded(self.ca_file))
        if self.cert_file:
            with _refusing(self.cert_file, "is no certificate with the private key of --key-file"):
                key = _expanded(self.key_file) if self.key_file else None
                context.load_cert_chain(_expanded(self.cert_file), key, password=_no_password)
        return context

    def _pinned(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # it is this certificate, whatever names stand in it
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=self.pin().decode("ascii"))
        return context

    def pin(self) -> bytes:
        """The first certificate of `server_cert`, without the chain that signed it."""
        return self._leaf().public_bytes(Encoding.PEM)

    def pinned_name(self) -> str:
        """A name in that certificate, for libraries that insist on one; may be empty."""
        try:
            found = self._leaf().extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return ""
        names = found.value.get_values_for_type(x509.DNSName)
        addresses = found.value.get_values_for_type(x509.IPAddress)
        return next(iter([*names, *map(str, addresses)]), "")

    def _leaf(self) -> x509.Certificate:
        pem = read(self.server_cert) or b""
        try:
            return x509.load_pem_x509_certificates(pem)[0]
        except ValueError:
            raise _refused(self.server_cert, NO_CERTIFICATE) from None


NO_FILES = Trust()
"""The system's authorities, no certificate of our own."""


@contextmanager
def _refusing(path: str, problem: str) -> Iterator[None]:
    """Errors of OpenSSL come out as ours."""
    try:
        yield
    except OSError:  # ssl.SSLError too
        raise _refused(path, problem) from None


def read(path: str) -> bytes | None:
    """A file, None without a name. Raises InvalidArgument."""
    if not path:
        return None
    try:
        return read_bounded(path, MAX_PEM_BYTES)
    except OSError as error:
        text = f"cannot read {brief(Path(path))}: {error.strerror}"
        raise InvalidArgument(text, where="certificates") from None


def _expanded(path: str) -> str:
    return str(Path(path).expanduser())


def _no_password() -> str:
    """OpenSSL would ask on the terminal otherwise."""
    return ""


def _refused(path: str, problem: str) -> InvalidArgument:
    return InvalidArgument(f"{path} {problem}", where="certificates")
