# SPDX-License-Identifier: AGPL-3.0-only
"""The dataclasses of requests, results and engines, without behaviour or dependencies."""

from sentiric_llama.types.engine import Capacity as Capacity
from sentiric_llama.types.engine import Device as Device
from sentiric_llama.types.engine import EngineConfig as EngineConfig
from sentiric_llama.types.engine import EngineStats as EngineStats
from sentiric_llama.types.engine import ModelInfo as ModelInfo
from sentiric_llama.types.rendering import ChatRendering as ChatRendering
from sentiric_llama.types.request import Grammar as Grammar
from sentiric_llama.types.request import Message as Message
from sentiric_llama.types.request import Priority as Priority
from sentiric_llama.types.request import Request as Request
from sentiric_llama.types.request import SamplingParams as SamplingParams
from sentiric_llama.types.request import ThinkingLimit as ThinkingLimit
from sentiric_llama.types.request import Tool as Tool
from sentiric_llama.types.request import ToolCall as ToolCall
from sentiric_llama.types.request import Truncation as Truncation
from sentiric_llama.types.result import ChosenLogprob as ChosenLogprob
from sentiric_llama.types.result import Completion as Completion
from sentiric_llama.types.result import Delta as Delta
from sentiric_llama.types.result import Final as Final
from sentiric_llama.types.result import FinishReason as FinishReason
from sentiric_llama.types.result import Timings as Timings
from sentiric_llama.types.result import TokenLogprob as TokenLogprob
from sentiric_llama.types.result import TruncationReport as TruncationReport
from sentiric_llama.types.result import Usage as Usage
