# SPDX-License-Identifier: AGPL-3.0-only
"""
Functions without an engine: the cost of requests, files, grammars, memory, the sandbox.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
import typing_extensions
__all__: list[str] = ['FlightPage', 'Grammar', 'JsonScan', 'LLAMA_COMMIT', 'Matcher', 'MemoryBudget', 'SUPPORTS_GPU', 'Vocabulary', 'check_structures', 'count_proto_fields', 'error_code_names', 'is_file_name', 'memory_budgets', 'open_adapter_file', 'out_of_memory_kills', 'sandbox_report', 'scan_json', 'schema_keywords', 'schema_places', 'trim_heap']
class FlightPage:
    SIZE: typing.ClassVar[int] = 11984
    def __init__(self, fd: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def batch(self) -> list[int]:
        """
        The tags of the requests of the last decode call.
        """
    def capacity(self) -> tuple[int, int, int]:
        """
        (active, total, available)
        """
    def crash(self) -> tuple[int, int, int, int]:
        """
        (signal, si_code, sender, thread); signal 0 without a crash.
        """
    def line(self) -> list[int]:
        """
        The tags of the requests that wait, the next one first.
        """
    def stats(self) -> dict:
        """
        EngineStats by field.
        """
    def threads(self) -> list[tuple[int, int, int, int]]:
        """
        (index, place, tag, since in ns) of threads that work.
        """
    @property
    def beats(self) -> int:
        ...
    @property
    def is_made(self) -> bool:
        ...
    @property
    def stepper(self) -> int:
        ...
class Grammar:
    @staticmethod
    def choice(text: str) -> Grammar:
        """
        `text` is a JSON array of strings.
        """
    @staticmethod
    def gbnf(text: str) -> Grammar:
        ...
    @staticmethod
    def json_schema(text: str) -> Grammar:
        ...
    @staticmethod
    def regex(text: str) -> Grammar:
        ...
    @staticmethod
    def structure(text: str) -> Grammar:
        ...
    @property
    def num_bytes(self) -> int:
        ...
class JsonScan:
    @property
    def at(self) -> int:
        """
        The byte where the scan ended.
        """
    @property
    def field(self) -> bytes:
        """
        The enclosing member of the outermost object, with its escapes.
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
        The first limit that was exceeded: depth, items, number or None.
        """
class Matcher:
    def __init__(self, grammar: Grammar) -> None:
        ...
    def advance(self, text: bytes) -> int:
        """
        Moves along the text. Returns how many of its bytes are allowed.
        """
    def allowed_bytes(self) -> list[int]:
        ...
    def allowed_characters(self) -> list[tuple[int, int]]:
        """
        First and last code point of each range of characters that may come.
        """
    def forced(self, max_bytes: typing.SupportsInt | typing.SupportsIndex) -> bytes:
        ...
    def mask(self, vocabulary: Vocabulary) -> numpy.typing.NDArray[numpy.uint64]:
        """
        Bit t of the words, lowest first, is token t.
        """
    def shortest_end(self, max_states: typing.SupportsInt | typing.SupportsIndex) -> bytes | None:
        """
        The bytes that end the text soonest, if they are found.
        """
    def strings(self, max_strings: typing.SupportsInt | typing.SupportsIndex, is_name: bool) -> list[str] | None:
        """
        Behind the quote of a JSON string: the strings that may come, or None if there are many.
        """
    @property
    def can_end(self) -> bool:
        ...
class MemoryBudget:
    @property
    def free(self) -> int:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def total(self) -> int:
        ...
class Vocabulary:
    def __init__(self, token_bytes: collections.abc.Sequence[str]) -> None:
        ...
    @property
    def num_tokens(self) -> int:
        ...
def check_structures(texts: collections.abc.Sequence[str]) -> list[str]:
    """
    Why each cannot be compiled, or an empty text. All share one budget of work.
    """
def count_proto_fields(data: typing_extensions.Buffer, *, most: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    Counts the fields of the outermost protobuf message; stops at most + 1.
    """
def error_code_names() -> list:
    """
    Names of all error codes, in order.
    """
def is_file_name(name: str) -> bool:
    """
    Whether a caller's name may become the name of a file.
    """
def memory_budgets(root: str) -> list[MemoryBudget]:
    """
    Limits of RAM and control groups, tightest first; root is a prefix of /proc and /sys.
    """
def open_adapter_file(folder: str, name: str) -> int:
    """
    A file descriptor for reading, which the caller closes.
    """
def out_of_memory_kills(root: str) -> int:
    """
    Processes of this control group that the kernel killed because memory ran out.
    """
def sandbox_report() -> list[tuple[str, bool, str]]:
    """
    Name, whether this system offers it, and details, for each layer of the engine process's sandbox. Changes nothing.
    """
def scan_json(data: typing_extensions.Buffer, *, depth: typing.SupportsInt | typing.SupportsIndex, items: typing.SupportsInt | typing.SupportsIndex, number_bytes: typing.SupportsInt | typing.SupportsIndex) -> JsonScan:
    """
    Reads bytes once without the GIL; nothing is built.
    """
def schema_keywords() -> list[tuple[str, str]]:
    """
    The table of JSON Schema keywords: their names and what becomes of them.
    """
def schema_places() -> dict[str, list[str]]:
    """
    By keyword, how it holds schemas: as one (schema), in a list, in an object by name (map).
    """
def trim_heap() -> bool:
    """
    Returns freed memory to the system; False if there was none.
    """
LLAMA_COMMIT: str = '0c1e57098'
SUPPORTS_GPU: bool = False
