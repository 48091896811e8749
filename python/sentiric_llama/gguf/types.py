# SPDX-License-Identifier: AGPL-3.0-only
"""Number formats of GGUF files, and the limits a header must keep.

A limit is far above any real model and far below what could hurt: parsing stays bounded in time
and memory whatever the file says.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_KEYS = 65_536
MAX_TENSORS = 65_536
MAX_STRING_BYTES = 16 * 2**20
MAX_ARRAY_ITEMS = 16 * 2**20
MAX_HEADER_BYTES = 512 * 2**20
MAX_ELEMENTS = 2**62
MAX_DIMS = 4
MAX_NAME_BYTES = 63
MAX_ALIGNMENT = 4096
DEFAULT_ALIGNMENT = 32
VERSIONS = (2, 3)

STRING, ARRAY, BOOL = 8, 9, 7
SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    BOOL: struct.Struct("<B"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
"""Type number of a value -> how it is stored."""

TYPE_NAMES = (
    *("u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool"),
    *("string", "array", "u64", "i64", "f64"),
)


@dataclass(frozen=True, slots=True)
class TensorType:
    """How a tensor's numbers are stored: `items` of them in each block of `size` bytes."""

    name: str
    items: int
    size: int


TENSOR_TYPES = {
    number: TensorType(name, items, size)
    for number, name, items, size in (
        (0, "F32", 1, 4),
        (1, "F16", 1, 2),
        (2, "Q4_0", 32, 18),
        (3, "Q4_1", 32, 20),
        (6, "Q5_0", 32, 22),
        (7, "Q5_1", 32, 24),
        (8, "Q8_0", 32, 34),
        (9, "Q8_1", 32, 36),
        (10, "Q2_K", 256, 84),
        (11, "Q3_K", 256, 110),
        (12, "Q4_K", 256, 144),
        (13, "Q5_K", 256, 176),
        (14, "Q6_K", 256, 210),
        (15, "Q8_K", 256, 292),
        (16, "IQ2_XXS", 256, 66),
        (17, "IQ2_XS", 256, 74),
        (18, "IQ3_XXS", 256, 98),
        (19, "IQ1_S", 256, 50),
        (20, "IQ4_NL", 32, 18),
        (21, "IQ3_S", 256, 110),
        (22, "IQ2_S", 256, 82),
        (23, "IQ4_XS", 256, 136),
        (24, "I8", 1, 1),
        (25, "I16", 1, 2),
        (26, "I32", 1, 4),
        (27, "I64", 1, 8),
        (28, "F64", 1, 8),
        (29, "IQ1_M", 256, 56),
        (30, "BF16", 1, 2),
        (34, "TQ1_0", 256, 54),
        (35, "TQ2_0", 256, 66),
        (39, "MXFP4", 32, 17),
        (40, "NVFP4", 64, 36),
        (41, "Q1_0", 128, 18),
        (42, "Q2_0", 64, 18),
    )
}
