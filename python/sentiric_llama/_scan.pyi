# SPDX-License-Identifier: AGPL-3.0-only
"""
Counts what a request would cost, before a value of it is built.
"""
from __future__ import annotations
import typing
import typing_extensions
__all__: list[str] = ['JsonScan', 'count_proto_fields', 'scan_json']
class JsonScan:
    @property
    def at(self) -> int:
        """
        The byte where it was.
        """
    @property
    def field(self) -> bytes:
        """
        The member of the outermost object around it, with its escapes.
        """
    @property
    def has_exponent(self) -> bool:
        ...
    @property
    def has_lone_surrogate(self) -> bool:
        ...
    @property
    def items(self) -> int:
        """
        Scalars, objects, arrays and names of members.
        """
    @property
    def passed(self) -> str | None:
        """
        The first limit that was passed: depth, items, number or None.
        """
def count_proto_fields(data: typing_extensions.Buffer, *, most: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    Fields of the outermost protobuf message; ends at most + 1.
    """
def scan_json(data: typing_extensions.Buffer, *, depth: typing.SupportsInt | typing.SupportsIndex, items: typing.SupportsInt | typing.SupportsIndex, number_bytes: typing.SupportsInt | typing.SupportsIndex) -> JsonScan:
    """
    Reads bytes once without the GIL; nothing is built.
    """
