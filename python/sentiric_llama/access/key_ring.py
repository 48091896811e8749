# SPDX-License-Identifier: AGPL-3.0-only
"""All keys of a server, as digests, and who holds the one that a request brings."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable

from sentiric_llama.access.api_key import RESERVED, ROLES, Identity, Role, given_keys
from sentiric_llama.access.key_file import FiledKey
from sentiric_llama.errors import InvalidArgument

MIN_FILED_LENGTH = 32
"""Characters of a key whose hash is in a file. A fast hash protects only what nobody can guess."""


class KeyRing:
    """Keys of the settings, which stay, and keys of a file, which may be replaced at any time.

    `identify` and `put_filed` may run in different threads.
    """

    def __init__(
        self,
        keys: Iterable[tuple[str, Identity]],
        spare: Iterable[tuple[str, Identity]] = (),
        *,
        has_file: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`spare` keys grant their role like the others, but do not lock it.

        With a file every role needs a key and every key is on its own, whatever is in the file:
        revoking a key must not open what it has locked.
        """
        listed = list(keys)
        self._locked = {
            role for role in ROLES if has_file or any(who.may(role) for _, who in listed)
        }
        self._blind = secrets.token_bytes(32)
        self._clock = clock
        self._set: dict[bytes, Identity] = {}
        for key, identity in (*listed, *spare):
            place = self._place(_digest(key.encode()))
            known = self._set.get(place)
            self._set[place] = known.joined(identity) if known else identity
        self._filed: dict[bytes, Identity] = {}
        self.keeps_apart = has_file or sum(who.may("user") for who in self._set.values()) > 1
        """True if there are several callers, so that their data is kept apart.

        Always with a file: else one key could read what another had cached before it was revoked.
        """

    def put_filed(self, keys: Iterable[FiledKey]) -> None:
        """Replaces the keys of the file. Raises InvalidArgument, and then keeps those it has.

        A name is an owner, so the file may not use one of the settings.
        """
        names = RESERVED | {identity.name for identity in self._set.values()}
        filed: dict[bytes, Identity] = {}
        for index, key in enumerate(keys):
            place = self._place(key.digest)
            if key.identity.name in names:
                what = f"keys[{index}].name: duplicates that of a key in the settings"
                raise InvalidArgument(what, where="keys")
            if place in self._set:
                what = f"keys[{index}].hash: duplicates that of a key in the settings"
                raise InvalidArgument(what, where="keys")
            filed[place] = key.identity
        self._filed = filed

    @property
    def names(self) -> set[str]:
        """The names of all keys."""
        return {who.name for who in (*self._set.values(), *self._filed.values())}

    def locks(self, role: Role) -> bool:
        """True if a key for this role exists, so that the role requires one."""
        return role in self._locked

    def opens(self, role: Role) -> bool:
        """True if any key grants this role."""
        return any(who.may(role) for who in (*self._set.values(), *self._filed.values()))

    def identify(self, headers: Iterable[tuple[bytes, bytes]]) -> Identity | None:
        """The holder of the key in these headers. Names in lower case.

        Two different keys identify nobody: which one counts would depend on the reader.
        """
        return self.holder(given_keys(headers))

    def holder(self, given: set[bytes]) -> Identity | None:
        """As `identify`, for the different keys that were sent."""
        found = self._holder(given)
        return None if found is None or self._is_over(found) else found

    def has_expired(self, given: set[bytes]) -> bool:
        """True for a key that was valid once."""
        found = self._holder(given)
        return found is not None and self._is_over(found)

    def _is_over(self, identity: Identity) -> bool:
        return identity.expires_at is not None and identity.expires_at <= self._clock()

    def _holder(self, given: set[bytes]) -> Identity | None:
        if len(given) != 1:
            return None
        (key,) = given
        place = self._place(_digest(key))
        found = self._set.get(place)
        if found is None and len(key) >= MIN_FILED_LENGTH:
            found = self._filed.get(place)
        return found

    def _place(self, digest: bytes) -> bytes:
        """Where a digest is looked up: a hash of it that nobody outside can compute.

        So the time of a look-up, which stops at the first byte that differs, tells nothing about a
        key, and ten thousand keys need no look at each of them.
        """
        return hashlib.blake2b(digest, key=self._blind, digest_size=32).digest()


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
