# SPDX-License-Identifier: AGPL-3.0-only
"""
The native engine. Use sentiric_llama.Engine and AsyncEngine instead.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
__all__: list[str] = ['Capacity', 'Device', 'DeviceMemory', 'Engine', 'EngineConfig', 'EngineStats', 'Event', 'Final', 'FinishReason', 'GrammarKind', 'MemoryPlan', 'ModelInfo', 'Priority', 'Request', 'SamplingParams', 'Timings', 'Truncation', 'build_info', 'devices', 'error_code_names', 'plan_memory', 'take_log_lines']
class Capacity:
    @property
    def active(self) -> int:
        ...
    @property
    def available(self) -> int:
        ...
    @property
    def total(self) -> int:
        ...
class Device:
    @property
    def description(self) -> str:
        ...
    @property
    def free(self) -> int:
        ...
    @property
    def kind(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def total(self) -> int:
        ...
class DeviceMemory:
    @property
    def cache(self) -> int:
        ...
    @property
    def compute(self) -> int:
        ...
    @property
    def free(self) -> int:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def total(self) -> int:
        ...
    @property
    def weights(self) -> int:
        ...
class Engine:
    def __init__(self, config: EngineConfig) -> None:
        ...
    def abandon(self) -> None:
        """
        Leaks the engine: for a forked child only.
        """
    def cancel(self, request: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def check_room(self) -> None:
        ...
    def close(self) -> None:
        ...
    def describe_chat(self, request: Request) -> tuple[str, list[int], numpy.typing.NDArray[numpy.int32], int]:
        """
        (text, where its messages begin in bytes or -1, tokens, how many of them are cached)
        """
    def detokenize(self, tokens: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], show_special: bool) -> bytes:
        ...
    def embed(self, tokens: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> numpy.typing.NDArray[numpy.float32]:
        ...
    def grant(self, request: typing.SupportsInt | typing.SupportsIndex, tokens: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def line(self) -> list[int]:
        """
        Ids of the requests that wait for a context, the next one first.
        """
    def logits(self, tokens: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> numpy.typing.NDArray[numpy.float32]:
        ...
    def render_chat(self, request: Request, add_generation_prompt: bool) -> str:
        """
        Looks only at the conversation of the request.
        """
    def stats(self) -> EngineStats:
        ...
    def submit(self, request: Request, window: typing.SupportsInt | typing.SupportsIndex = 0) -> int:
        """
        Consumes the request, so that its text is not copied.
        """
    def token_pieces(self, tokens: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> list[bytes]:
        """
        The bytes of each token as inside a text; control tokens are shown.
        """
    def tokenize(self, text: str, add_special: bool, parse_special: bool) -> numpy.typing.NDArray[numpy.int32]:
        ...
    def tokenize_chat(self, request: Request, add_generation_prompt: bool) -> list[int]:
        """
        Looks only at the conversation of the request.
        """
    def wait_events(self, timeout_ms: typing.SupportsInt | typing.SupportsIndex) -> tuple[bool, list[Event]]:
        """
        (still open, events of the steps since the last call)
        """
    @property
    def capacity(self) -> Capacity:
        ...
    @property
    def info(self) -> ModelInfo:
        ...
class EngineConfig:
    cache_type_k: str
    cache_type_v: str
    chat_template: str
    deterministic: bool
    disk_cache_dir: str
    draft_model: str
    embedding_pooling: str
    flash_attention: str
    jump_forward: bool
    kv_layout: str
    kv_offload: bool
    lora_dir: str
    model_path: str
    prefix_cache: bool
    speculation: str
    use_mmap: bool
    def __init__(self) -> None:
        ...
    @property
    def batch_size(self) -> int:
        ...
    @batch_size.setter
    def batch_size(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def compute_threads(self) -> int:
        ...
    @compute_threads.setter
    def compute_threads(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def compute_threads_batch(self) -> int:
        ...
    @compute_threads_batch.setter
    def compute_threads_batch(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def context_size(self) -> int:
        ...
    @context_size.setter
    def context_size(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def contexts(self) -> int:
        ...
    @contexts.setter
    def contexts(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def disk_cache_bytes(self) -> int:
        ...
    @disk_cache_bytes.setter
    def disk_cache_bytes(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def draft_gpu_layers(self) -> int:
        ...
    @draft_gpu_layers.setter
    def draft_gpu_layers(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def gpu_layers(self) -> int:
        ...
    @gpu_layers.setter
    def gpu_layers(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def host_cache_bytes(self) -> int:
        ...
    @host_cache_bytes.setter
    def host_cache_bytes(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def itl_slo_ms(self) -> int:
        ...
    @itl_slo_ms.setter
    def itl_slo_ms(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def kv_cells(self) -> int:
        ...
    @kv_cells.setter
    def kv_cells(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def max_adapters(self) -> int:
        ...
    @max_adapters.setter
    def max_adapters(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def physical_batch_size(self) -> int:
        ...
    @physical_batch_size.setter
    def physical_batch_size(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def prefill_chunk(self) -> int:
        ...
    @prefill_chunk.setter
    def prefill_chunk(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def queue_limit(self) -> int:
        ...
    @queue_limit.setter
    def queue_limit(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def queue_tokens(self) -> int:
        ...
    @queue_tokens.setter
    def queue_tokens(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def queue_wait_ms(self) -> int:
        ...
    @queue_wait_ms.setter
    def queue_wait_ms(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def reader_wait_ms(self) -> int:
        ...
    @reader_wait_ms.setter
    def reader_wait_ms(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def stream_interval_ms(self) -> int:
        ...
    @stream_interval_ms.setter
    def stream_interval_ms(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def tenant_weights(self) -> tuple:
        ...
    @tenant_weights.setter
    def tenant_weights(self, arg1: collections.abc.Sequence[tuple[str, typing.SupportsFloat | typing.SupportsIndex]]) -> None:
        ...
class EngineStats:
    @property
    def accepted_draft_tokens(self) -> int:
        ...
    @property
    def adapters_loaded(self) -> int:
        ...
    @property
    def cached_tokens(self) -> int:
        ...
    @property
    def decode_calls(self) -> int:
        ...
    @property
    def decoding(self) -> int:
        ...
    @property
    def disk_cache_bytes(self) -> int:
        ...
    @property
    def disk_cache_failures(self) -> int:
        ...
    @property
    def disk_cache_saves(self) -> int:
        ...
    @property
    def draft_failures(self) -> int:
        ...
    @property
    def drafted_tokens(self) -> int:
        ...
    @property
    def embedded_inputs(self) -> int:
        ...
    @property
    def event_batches(self) -> int:
        ...
    @property
    def generated_tokens(self) -> int:
        ...
    @property
    def grammar_cache_hits(self) -> int:
        ...
    @property
    def grammar_cache_misses(self) -> int:
        ...
    @property
    def host_cache_bytes(self) -> int:
        ...
    @property
    def jumped_tokens(self) -> int:
        ...
    @property
    def kv_cells(self) -> int:
        ...
    @property
    def kv_full_retries(self) -> int:
        ...
    @property
    def kv_tokens(self) -> int:
        ...
    @property
    def preemptions(self) -> int:
        ...
    @property
    def prefill_budget(self) -> int:
        ...
    @property
    def prefilling(self) -> int:
        ...
    @property
    def prefix_checkpoints(self) -> int:
        ...
    @property
    def prefix_copies(self) -> int:
        ...
    @property
    def prefix_evictions(self) -> int:
        ...
    @property
    def prefix_hits(self) -> int:
        ...
    @property
    def prefix_hits_disk(self) -> int:
        ...
    @property
    def prefix_hits_host(self) -> int:
        ...
    @property
    def preparing(self) -> int:
        ...
    @property
    def prompt_tokens(self) -> int:
        ...
    @property
    def queued(self) -> int:
        ...
    @property
    def queued_tokens(self) -> int:
        ...
    @property
    def reader_waits(self) -> int:
        ...
    @property
    def repetitions(self) -> int:
        ...
    @property
    def request_ms_mean(self) -> float:
        ...
    @property
    def requests_cancelled(self) -> int:
        ...
    @property
    def requests_completed(self) -> int:
        ...
    @property
    def requests_failed(self) -> int:
        ...
    @property
    def requests_rejected(self) -> int:
        ...
    @property
    def requests_submitted(self) -> int:
        ...
    @property
    def resting_sequences(self) -> int:
        ...
    @property
    def resting_tokens(self) -> int:
        ...
    @property
    def resumes(self) -> int:
        ...
    @property
    def shifted_tokens(self) -> int:
        ...
    @property
    def shifts(self) -> int:
        ...
    @property
    def step_error(self) -> float:
        ...
    @property
    def step_ms_mean(self) -> float:
        ...
    @property
    def steps(self) -> int:
        ...
    @property
    def waiting(self) -> int:
        ...
class Event:
    @property
    def cached_tokens(self) -> int:
        ...
    @property
    def final(self) -> sentiric_llama._core.Final | None:
        ...
    @property
    def logprobs(self) -> tuple:
        """
        ((token, bytes, logprob), (alternatives)) per token.
        """
    @property
    def prompt_logprobs(self) -> tuple:
        """
        The same per token of the prompt.
        """
    @property
    def prompt_tokens(self) -> int:
        ...
    @property
    def request(self) -> int:
        ...
    @property
    def text(self) -> str:
        ...
    @property
    def tokens(self) -> tuple:
        ...
    @property
    def truncation(self) -> tuple[int, int, int]:
        """
        (dropped_turns, dropped_tokens, shifted_tokens).
        """
class Final:
    @property
    def completion_tokens(self) -> int:
        ...
    @property
    def error(self) -> typing.Any:
        """
        (code, where, what) or None.
        """
    @property
    def finish_reason(self) -> FinishReason:
        ...
    @property
    def prediction_accepted(self) -> int:
        ...
    @property
    def prediction_rejected(self) -> int:
        ...
    @property
    def prompt_tokens(self) -> int:
        ...
    @property
    def retry_ms(self) -> int:
        """
        When to expect room after a refusal; 0 if unknown.
        """
    @property
    def stop_string(self) -> str | None:
        ...
    @property
    def stop_token(self) -> int | None:
        ...
    @property
    def thinking_ended(self) -> bool:
        ...
    @property
    def thought_tokens(self) -> int:
        ...
    @property
    def timings(self) -> Timings:
        ...
    @property
    def unfinished(self) -> bool:
        ...
class FinishReason:
    """
    Members:
    
      stop
    
      length
    
      cancelled
    
      error
    
      repetition
    """
    __members__: typing.ClassVar[dict[str, FinishReason]]  # value = {'stop': <FinishReason.stop: 1>, 'length': <FinishReason.length: 2>, 'cancelled': <FinishReason.cancelled: 3>, 'error': <FinishReason.error: 4>, 'repetition': <FinishReason.repetition: 5>}
    cancelled: typing.ClassVar[FinishReason]  # value = <FinishReason.cancelled: 3>
    error: typing.ClassVar[FinishReason]  # value = <FinishReason.error: 4>
    length: typing.ClassVar[FinishReason]  # value = <FinishReason.length: 2>
    repetition: typing.ClassVar[FinishReason]  # value = <FinishReason.repetition: 5>
    stop: typing.ClassVar[FinishReason]  # value = <FinishReason.stop: 1>
    @typing.overload
    def __eq__(self, other: FinishReason) -> bool:
        ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool:
        ...
    def __getstate__(self) -> int:
        ...
    def __hash__(self) -> int:
        ...
    def __index__(self) -> int:
        ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __int__(self) -> int:
        ...
    @typing.overload
    def __ne__(self, other: FinishReason) -> bool:
        ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __str__(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def value(self) -> int:
        ...
class GrammarKind:
    """
    Members:
    
      none
    
      gbnf
    
      json_schema
    
      json_object
    
      regex
    
      choice
    
      structure
    """
    __members__: typing.ClassVar[dict[str, GrammarKind]]  # value = {'none': <GrammarKind.none: 0>, 'gbnf': <GrammarKind.gbnf: 1>, 'json_schema': <GrammarKind.json_schema: 2>, 'json_object': <GrammarKind.json_object: 3>, 'regex': <GrammarKind.regex: 4>, 'choice': <GrammarKind.choice: 5>, 'structure': <GrammarKind.structure: 6>}
    choice: typing.ClassVar[GrammarKind]  # value = <GrammarKind.choice: 5>
    gbnf: typing.ClassVar[GrammarKind]  # value = <GrammarKind.gbnf: 1>
    json_object: typing.ClassVar[GrammarKind]  # value = <GrammarKind.json_object: 3>
    json_schema: typing.ClassVar[GrammarKind]  # value = <GrammarKind.json_schema: 2>
    none: typing.ClassVar[GrammarKind]  # value = <GrammarKind.none: 0>
    regex: typing.ClassVar[GrammarKind]  # value = <GrammarKind.regex: 4>
    structure: typing.ClassVar[GrammarKind]  # value = <GrammarKind.structure: 6>
    @typing.overload
    def __eq__(self, other: GrammarKind) -> bool:
        ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool:
        ...
    def __getstate__(self) -> int:
        ...
    def __hash__(self) -> int:
        ...
    def __index__(self) -> int:
        ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __int__(self) -> int:
        ...
    @typing.overload
    def __ne__(self, other: GrammarKind) -> bool:
        ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __str__(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def value(self) -> int:
        ...
class MemoryPlan:
    @property
    def context_size(self) -> int:
        ...
    @property
    def context_train(self) -> int:
        ...
    @property
    def contexts(self) -> int:
        ...
    @property
    def devices(self) -> tuple:
        ...
    @property
    def num_layers(self) -> int:
        ...
    @property
    def speculation(self) -> str:
        ...
class ModelInfo:
    @property
    def architecture(self) -> str:
        ...
    @property
    def backend(self) -> str:
        ...
    @property
    def batch_size(self) -> int:
        ...
    @property
    def bos(self) -> int:
        ...
    @property
    def can_generate(self) -> bool:
        ...
    @property
    def can_shift(self) -> bool:
        ...
    @property
    def chat_template(self) -> str:
        ...
    @property
    def chat_template_source(self) -> str:
        ...
    @property
    def compute_threads(self) -> int:
        ...
    @property
    def context_size(self) -> int:
        ...
    @property
    def context_train(self) -> int:
        ...
    @property
    def contexts(self) -> int:
        ...
    @property
    def description(self) -> str:
        ...
    @property
    def eos(self) -> int:
        ...
    @property
    def flash_attention(self) -> str:
        ...
    @property
    def infill_middle(self) -> int:
        ...
    @property
    def infill_prefix(self) -> int:
        ...
    @property
    def infill_suffix(self) -> int:
        ...
    @property
    def kv_layout(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def num_embd(self) -> int:
        ...
    @property
    def num_layers(self) -> int:
        ...
    @property
    def num_params(self) -> int:
        ...
    @property
    def num_vocab(self) -> int:
        ...
    @property
    def path(self) -> str:
        ...
    @property
    def physical_batch_size(self) -> int:
        ...
    @property
    def quantization(self) -> str:
        ...
    @property
    def size_bytes(self) -> int:
        ...
    @property
    def speculation(self) -> str:
        ...
    @property
    def template_reasoning(self) -> bool:
        ...
    @property
    def template_tools(self) -> bool:
        ...
class Priority:
    """
    Members:
    
      realtime
    
      normal
    
      batch
    """
    __members__: typing.ClassVar[dict[str, Priority]]  # value = {'realtime': <Priority.realtime: 0>, 'normal': <Priority.normal: 1>, 'batch': <Priority.batch: 2>}
    batch: typing.ClassVar[Priority]  # value = <Priority.batch: 2>
    normal: typing.ClassVar[Priority]  # value = <Priority.normal: 1>
    realtime: typing.ClassVar[Priority]  # value = <Priority.realtime: 0>
    @typing.overload
    def __eq__(self, other: Priority) -> bool:
        ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool:
        ...
    def __getstate__(self) -> int:
        ...
    def __hash__(self) -> int:
        ...
    def __index__(self) -> int:
        ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __int__(self) -> int:
        ...
    @typing.overload
    def __ne__(self, other: Priority) -> bool:
        ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __str__(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def value(self) -> int:
        ...
class Request:
    cache_scope: str
    call_opening: str
    continues: bool
    ignore_eos: bool
    parse_special: bool
    priority: Priority
    resumed: bool
    sampling: SamplingParams
    shift: bool
    template_arguments: str
    tenant: str
    text: str
    truncation: Truncation
    def __init__(self) -> None:
        ...
    def set_grammar(self, kind: GrammarKind, text: str) -> None:
        ...
    def set_thinking(self, begin: str, end: str, closing: str, max_tokens: typing.SupportsInt | typing.SupportsIndex, is_open: bool) -> None:
        ...
    @property
    def adapters(self) -> tuple:
        """
        (name, scale) pairs.
        """
    @adapters.setter
    def adapters(self, arg1: collections.abc.Sequence[tuple[str, typing.SupportsFloat | typing.SupportsIndex]]) -> None:
        ...
    @property
    def bad_words(self) -> tuple:
        ...
    @bad_words.setter
    def bad_words(self, arg1: collections.abc.Sequence[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]]) -> None:
        ...
    @property
    def call_marks(self) -> tuple:
        ...
    @call_marks.setter
    def call_marks(self, arg1: collections.abc.Sequence[str]) -> None:
        ...
    @property
    def deadline_ms(self) -> int:
        ...
    @deadline_ms.setter
    def deadline_ms(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def delivered(self) -> tuple:
        ...
    @delivered.setter
    def delivered(self, arg1: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        ...
    @property
    def max_tokens(self) -> int:
        ...
    @max_tokens.setter
    def max_tokens(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def messages(self) -> tuple:
        """
        Write-only: (role, content, reasoning, (id, name, arguments) of each call, tool_call_id, name) of each.
        """
    @messages.setter
    def messages(self, arg1: collections.abc.Sequence[tuple[str, str, str, collections.abc.Sequence[tuple[str, str, str]], str, str]]) -> None:
        ...
    @property
    def min_tokens(self) -> int:
        ...
    @min_tokens.setter
    def min_tokens(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def prediction(self) -> tuple:
        ...
    @prediction.setter
    def prediction(self, arg1: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        ...
    @property
    def prompt_logprobs(self) -> int:
        ...
    @prompt_logprobs.setter
    def prompt_logprobs(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def queue_wait_ms(self) -> int:
        ...
    @queue_wait_ms.setter
    def queue_wait_ms(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def repetition_limit(self) -> int:
        ...
    @repetition_limit.setter
    def repetition_limit(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def shown_tokens(self) -> tuple:
        ...
    @shown_tokens.setter
    def shown_tokens(self, arg1: collections.abc.Sequence[str]) -> None:
        ...
    @property
    def stop(self) -> tuple:
        ...
    @stop.setter
    def stop(self, arg1: collections.abc.Sequence[str]) -> None:
        ...
    @property
    def stop_tokens(self) -> tuple:
        ...
    @stop_tokens.setter
    def stop_tokens(self, arg1: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        ...
    @property
    def tag(self) -> int:
        ...
    @tag.setter
    def tag(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def tokens(self) -> tuple:
        ...
    @tokens.setter
    def tokens(self, arg1: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        ...
    @property
    def tools(self) -> tuple:
        """
        Write-only: (name, description, parameters) of each.
        """
    @tools.setter
    def tools(self, arg1: collections.abc.Sequence[tuple[str, str, str]]) -> None:
        ...
class SamplingParams:
    def __init__(self) -> None:
        ...
    @property
    def allowed_tokens(self) -> tuple:
        ...
    @allowed_tokens.setter
    def allowed_tokens(self, arg1: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        ...
    @property
    def dry_allowed_length(self) -> int:
        ...
    @dry_allowed_length.setter
    def dry_allowed_length(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def dry_base(self) -> float:
        ...
    @dry_base.setter
    def dry_base(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def dry_multiplier(self) -> float:
        ...
    @dry_multiplier.setter
    def dry_multiplier(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def dry_penalty_last_n(self) -> int:
        ...
    @dry_penalty_last_n.setter
    def dry_penalty_last_n(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def dry_sequence_breakers(self) -> tuple:
        ...
    @dry_sequence_breakers.setter
    def dry_sequence_breakers(self, arg1: collections.abc.Sequence[str]) -> None:
        ...
    @property
    def dynatemp_exponent(self) -> float:
        ...
    @dynatemp_exponent.setter
    def dynatemp_exponent(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def dynatemp_range(self) -> float:
        ...
    @dynatemp_range.setter
    def dynatemp_range(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def frequency_penalty(self) -> float:
        ...
    @frequency_penalty.setter
    def frequency_penalty(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def logit_bias(self) -> tuple:
        ...
    @logit_bias.setter
    def logit_bias(self, arg1: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]]) -> None:
        ...
    @property
    def min_p(self) -> float:
        ...
    @min_p.setter
    def min_p(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def mirostat(self) -> int:
        ...
    @mirostat.setter
    def mirostat(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def mirostat_eta(self) -> float:
        ...
    @mirostat_eta.setter
    def mirostat_eta(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def mirostat_tau(self) -> float:
        ...
    @mirostat_tau.setter
    def mirostat_tau(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def presence_penalty(self) -> float:
        ...
    @presence_penalty.setter
    def presence_penalty(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def repeat_last_n(self) -> int:
        ...
    @repeat_last_n.setter
    def repeat_last_n(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def repeat_penalty(self) -> float:
        ...
    @repeat_penalty.setter
    def repeat_penalty(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def seed(self) -> int:
        ...
    @seed.setter
    def seed(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def temperature(self) -> float:
        ...
    @temperature.setter
    def temperature(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def top_k(self) -> int:
        ...
    @top_k.setter
    def top_k(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def top_logprobs(self) -> int:
        ...
    @top_logprobs.setter
    def top_logprobs(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    @property
    def top_p(self) -> float:
        ...
    @top_p.setter
    def top_p(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def typical_p(self) -> float:
        ...
    @typical_p.setter
    def typical_p(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def xtc_probability(self) -> float:
        ...
    @xtc_probability.setter
    def xtc_probability(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    @property
    def xtc_threshold(self) -> float:
        ...
    @xtc_threshold.setter
    def xtc_threshold(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
class Timings:
    @property
    def cache_n(self) -> int:
        ...
    @property
    def draft_n(self) -> int:
        ...
    @property
    def draft_n_accepted(self) -> int:
        ...
    @property
    def predicted_ms(self) -> float:
        ...
    @property
    def predicted_n(self) -> int:
        ...
    @property
    def prompt_ms(self) -> float:
        ...
    @property
    def prompt_n(self) -> int:
        ...
    @property
    def queue_ms(self) -> float:
        ...
    @property
    def ttft_ms(self) -> float:
        ...
class Truncation:
    """
    Members:
    
      drop_turns
    
      shift
    
      error
    """
    __members__: typing.ClassVar[dict[str, Truncation]]  # value = {'drop_turns': <Truncation.drop_turns: 0>, 'shift': <Truncation.shift: 1>, 'error': <Truncation.error: 2>}
    drop_turns: typing.ClassVar[Truncation]  # value = <Truncation.drop_turns: 0>
    error: typing.ClassVar[Truncation]  # value = <Truncation.error: 2>
    shift: typing.ClassVar[Truncation]  # value = <Truncation.shift: 1>
    @typing.overload
    def __eq__(self, other: Truncation) -> bool:
        ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool:
        ...
    def __getstate__(self) -> int:
        ...
    def __hash__(self) -> int:
        ...
    def __index__(self) -> int:
        ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __int__(self) -> int:
        ...
    @typing.overload
    def __ne__(self, other: Truncation) -> bool:
        ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __str__(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def value(self) -> int:
        ...
def build_info() -> dict:
    """
    Version of the package and of what it was built from.
    """
def devices() -> list[Device]:
    """
    The devices that this build can compute on, with their free memory.
    """
def error_code_names() -> list:
    """
    Names of all error codes, in order.
    """
def plan_memory(config: EngineConfig) -> MemoryPlan:
    """
    The memory that this configuration needs; allocates none of it.
    """
def take_log_lines() -> list[tuple[int, str]]:
    """
    (logging level, line) since the last call.
    """
