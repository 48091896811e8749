# SPDX-License-Identifier: AGPL-3.0-only
# What type checkers and editors see of the names that are found on first use.
from sentiric_llama.engine.aio import AsyncEngine as AsyncEngine
from sentiric_llama.engine.blocking import Engine as Engine
from sentiric_llama.engine.blocking import Stream as Stream
from sentiric_llama.engine.facts import build_info as build_info
from sentiric_llama.engine.grammar.explanation import Explanation as Explanation
from sentiric_llama.engine.grammar.grammar import Grammar as Grammar
from sentiric_llama.engine.grammar.schema_notes import SchemaNote as SchemaNote
from sentiric_llama.engine.grammar.vocabulary import Vocabulary as Vocabulary
from sentiric_llama.errors import Cancelled as Cancelled
from sentiric_llama.errors import ContextLengthExceeded as ContextLengthExceeded
from sentiric_llama.errors import DeadlineExceeded as DeadlineExceeded
from sentiric_llama.errors import ErrorCode as ErrorCode
from sentiric_llama.errors import GrammarTooComplex as GrammarTooComplex
from sentiric_llama.errors import InternalError as InternalError
from sentiric_llama.errors import InvalidArgument as InvalidArgument
from sentiric_llama.errors import InvalidGrammar as InvalidGrammar
from sentiric_llama.errors import ModelInvalid as ModelInvalid
from sentiric_llama.errors import ModelNotFound as ModelNotFound
from sentiric_llama.errors import NotSupported as NotSupported
from sentiric_llama.errors import NumericError as NumericError
from sentiric_llama.errors import OutOfMemory as OutOfMemory
from sentiric_llama.errors import Overloaded as Overloaded
from sentiric_llama.errors import PermissionDenied as PermissionDenied
from sentiric_llama.errors import RateLimitExceeded as RateLimitExceeded
from sentiric_llama.errors import SentiricLlamaError as SentiricLlamaError
from sentiric_llama.errors import TemplateFailed as TemplateFailed
from sentiric_llama.errors import Unavailable as Unavailable
from sentiric_llama.types import Capacity as Capacity
from sentiric_llama.types import Completion as Completion
from sentiric_llama.types import Delta as Delta
from sentiric_llama.types import EngineConfig as EngineConfig
from sentiric_llama.types import Message as Message
from sentiric_llama.types import ModelInfo as ModelInfo
from sentiric_llama.types import Request as Request
from sentiric_llama.types import SamplingParams as SamplingParams
from sentiric_llama.types import Tool as Tool
from sentiric_llama.types import ToolCall as ToolCall

__version__: str
