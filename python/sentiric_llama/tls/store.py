# SPDX-License-Identifier: AGPL-3.0-only
"""The identity in use: files are looked at again and again, the last good ones stay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.log.events import event
from sentiric_llama.tls.identity import Identity, IdentityFiles, read_identity

logger = logging.getLogger(__name__)


class IdentityStore:
    """`current` may be read from any thread; it is replaced as a whole."""

    def __init__(self, files: IdentityFiles) -> None:
        """Raises InvalidArgument when the files cannot serve."""
        self.files = files
        self.current: Identity = read_identity(files)
        self._refusal = ""

    def refresh(self) -> bool:
        """Reads the files again. True when a new identity is in use.

        Files that cannot serve, also half-written ones, are logged once and left alone.
        """
        try:
            found = read_identity(self.files)
        except InvalidArgument as error:
            if str(error) != self._refusal:
                text = f"keeping the certificate in use: {error}"
                event(logger, "TLS_CERTIFICATE_REFUSED", text, logging.WARNING)
            self._refusal = str(error)
            return False
        self._refusal = ""
        if found == self.current:
            return False
        self.current = found
        event(logger, "TLS_CERTIFICATE_RELOADED", str(self.files.cert), not_after=found.not_after)
        return True

    def certificate_expiry_timestamp(self) -> float:
        """When the certificate in use expires, in seconds since 1970."""
        return self.current.not_after


async def watch(stores: Iterable[IdentityStore], period_s: float) -> None:
    """Refreshes the stores until it is cancelled."""
    stores = list(stores)
    while True:
        await asyncio.sleep(period_s)
        for store in stores:
            await asyncio.to_thread(store.refresh)
