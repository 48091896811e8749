# SPDX-License-Identifier: AGPL-3.0-only
"""The server's TLS: each handshake takes the identity that is in use then."""

from __future__ import annotations

import grpc

from sentiric_llama.tls.identity import Identity
from sentiric_llama.tls.store import IdentityStore


def server_credentials(store: IdentityStore) -> grpc.ServerCredentials:
    """With a CA, clients must show a certificate that it signed. TLS 1.2 or newer."""
    given = store.current

    def newer() -> grpc.ServerCertificateConfiguration | None:
        nonlocal given
        if store.current is given:
            return None
        given = store.current
        return configuration(given)

    return grpc.dynamic_ssl_server_credentials(
        configuration(given),
        newer,  # type: ignore[arg-type]  # None is what it says when nothing changed
        require_client_authentication=given.ca is not None,
    )


def configuration(identity: Identity) -> grpc.ServerCertificateConfiguration:
    pair = (identity.key, identity.chain)
    return grpc.ssl_server_certificate_configuration([pair], root_certificates=identity.ca)
