# SPDX-License-Identifier: AGPL-3.0-only
"""What each field of a request means: for the OpenAPI document and the pages made from the models.

Names of settings stand in capitals. Links are those of the pages in `docs/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sentiric_llama.http.anthropic import blocks, messages, thinking
from sentiric_llama.http.anthropic import tools as anthropic_tools
from sentiric_llama.http.anthropic.body import MessagesBody
from sentiric_llama.http.anthropic.part import Part
from sentiric_llama.http.responses import body as responses
from sentiric_llama.http.responses import items
from sentiric_llama.http.responses import tools as responses_tools
from sentiric_llama.http.schemas import chat, generation, grammar, message, tools
from sentiric_llama.http.schemas.admin import HardwareBody, SwitchBody
from sentiric_llama.http.schemas.body import Body
from sentiric_llama.http.schemas.reasoning import ReasoningFields
from sentiric_llama.http.schemas.sampling import SamplingFields
from sentiric_llama.http.schemas.tokens import DetokenizeBody, TokenizeBody
from sentiric_llama.http.texts.completions_body import CompletionsBody
from sentiric_llama.http.texts.embeddings import EmbeddingsBody

Meanings = Mapping[type[Body], Mapping[str, str]]

_MODEL = "name of the model, one of its aliases, or `default`; the loaded model without it"
_LIMIT = (
    "most tokens of the answer; -1 is the default. 0 generates nothing: it puts what the "
    "conversation has in common with longer ones into the cache"
)
_BUDGET = "tokens after which a thought is ended; -1 is no limit. Of several, the first counts"
_SCHEMA = "a JSON schema that the text follows"
_STRICT = "refuse the request when the arguments cannot be enforced"
_CALL_ID = "the id of the call, which its result names"
_KIND = "what it is"
_NOTHING = "means nothing here"
_ITEM = {"id": _NOTHING, "status": _NOTHING, "type": _KIND}

_CHAT: Meanings = {
    chat.ChatBody: {
        "messages": "the conversation; system messages at the start are joined into one",
        "max_completion_tokens": f"{_LIMIT}. `DEFAULT_MAX_TOKENS` without it; "
        "goes before `max_tokens`",
        "logprobs": "give the log-probability of each token",
        "top_logprobs": "alternatives for each token; needs `logprobs`",
        "system_prompt": "used when there is no system message; `DEFAULT_SYSTEM_PROMPT` without it",
        "rag_context": "put around the last user message with `DEFAULT_RAG_PROMPT`; "
        "[texts to answer from](http.md#texts-to-answer-from)",
        "continue_final_message": "go on with the last message if it is the assistant's; so it is "
        "without the field",
        "prediction": "a text that the answer will have much of, such as a file to be changed: "
        "[drafts](speculation.md#predictions) make it faster, and never different",
        "modalities": "answers are text",
        "add_generation_prompt": "`false` needs a last message of the assistant, which goes on",
    },
    message.ChatMessage: {
        "role": "who speaks; `developer` counts as `system`",
        "content": "the text, or parts of it; null is an empty one",
        "reasoning_content": "what the assistant thought, for templates that show it",
        "tool_calls": "what the assistant called",
        "function_call": "OpenAI's old form: send `tool_calls`",
        "tool_call_id": "of a `tool` message: the call that it answers",
        "name": "of a tool, for templates that want it",
    },
    chat.PredictionField: {"type": _KIND, "content": "the text, or parts of it"},
    message.TextPart: {"type": _KIND, "text": "the text"},
    tools.CallBody: {
        "id": _CALL_ID,
        "type": _KIND,
        "function": "what was called",
        "custom": "the custom tool that was called",
    },
    tools.CalledCustom: {"name": "of the tool", "input": "the text"},
    tools.CalledFunction: {"name": "of the function", "arguments": "JSON as text"},
    tools.ToolFields: {
        "tools": "what the model may call; other kinds are left out and named in "
        "`x-ignored-tools`; see [tools](tools.md)",
        "tool_choice": "whether and what to call; `auto` without it",
        "parallel_tool_calls": "whether an answer may have several calls",
        "functions": "OpenAI's old form: send `tools`. Ignored together with "
        '`"function_call": "none"`',
        "function_call": "OpenAI's old form: send `tool_choice`",
    },
    tools.ToolBody: {
        "type": _KIND,
        "function": "what can be called",
        "custom": "a tool with one text, in place of `function`",
    },
    tools.CustomBody: {
        "name": "of the tool",
        "description": "what it does, for the model",
        "format": "what the text must be",
    },
    tools.InputFormatBody: {"type": _KIND, "grammar": "with the type `grammar`"},
    tools.InputGrammarBody: {
        "syntax": "`regex` is enforced, `lark` is only shown to the model",
        "definition": "the regular expression, or the grammar",
    },
    tools.FunctionBody: {
        "name": "of the function",
        "description": "what it does, for the model",
        "parameters": f"{_SCHEMA}: the arguments. Without it, there are none",
        "strict": _STRICT,
    },
    ReasoningFields: {
        "reasoning_effort": "how much to think, as far as the template knows it; `none` switches "
        "thoughts off; see [reasoning](tools.md)",
        "reasoning_budget_tokens": _BUDGET,
        "thinking_budget_tokens": _BUDGET,
        "thinking_budget": _BUDGET,
        "chat_template_kwargs": "further variables for the chat template, at most 64",
    },
}

_TEXT: Meanings = {
    generation.GenerationFields: {
        "model": f"{_MODEL}; anything else is 404 unless `MODEL_ALIAS` has a `*`",
        "stream": "send [events](http.md#streaming)",
        "stream_options": "see there",
        "n": "choices; with a seed, choice *i* uses seed + *i*",
        "max_tokens": f"{_LIMIT}. `DEFAULT_MAX_TOKENS` without it, for completions 16",
        "n_predict": "llama-server's name of `max_tokens`, which goes before it",
        "stop": "texts that end the answer and are no part of it, each of 1 to 256 bytes; "
        '`""` is none. They count in the content: not in a thought and not in a call of a tool',
        "return_tokens": "give the ids of the tokens, in `tokens` of each choice",
        "truncation": "a conversation longer than the context: `drop_turns` drops the oldest "
        "turns, `shift` the oldest tokens, `error` answers 400; `TRUNCATION` without it",
        "priority": "with API keys, `realtime` needs "
        "[the right](settings.md#keys-and-roles) of that name",
    },
    generation.TokenFields: {
        "ignore_eos": "go on after the end-of-text token",
        "min_tokens": "no token ends the answer before so many",
        "stop_token_ids": "tokens that end the answer and are no text of it",
        "allowed_token_ids": "only these are chosen, and what ends an answer",
        "bad_words": "texts that may not come",
        "repetition_limit": 'ends the answer with `"finish_reason": "repetition"` when its newest '
        "tokens, so many, are one block of up to 64 tokens again and again; 0 is never; "
        "`REPETITION_LIMIT` without it",
        "lora_adapter": "an adapter in `LORA_DIR`, without its ending",
        "lora_adapter_id": "another name of `lora_adapter`",
    },
    generation.StreamOptions: {
        "include_usage": "end the stream with a chunk that has `usage`",
    },
    CompletionsBody: {
        "prompt": "texts or token ids, up to 128; each has `n` choices, one after the other; "
        "they enter the queue a few at a time",
        "suffix": "the answer stands between `prompt` and this text, if the vocabulary has tokens "
        "for it; not with `echo` and `logprobs` together",
        "echo": "begin the text with the prompt",
        "logprobs": "log-probabilities of each token, of so many alternatives and of the token "
        "itself, in the older form; with `echo` those of the prompt, too",
    },
    grammar.GrammarFields: {
        "response_format": "OpenAI's form: [structured output](http.md#structured-output)",
        "json_schema": f"{_SCHEMA}, as an object or its text",
        "grammar": 'a GBNF grammar; `""` is none',
        "guided_json": "vLLM's name of `json_schema`",
        "guided_regex": 'a regular expression that the whole text matches; `""` is none',
        "guided_choice": "the text is one of these",
        "guided_grammar": "vLLM's name of `grammar`",
        "structured_outputs": "vLLM's object with `json`, `json_object`, `regex`, `choice` or "
        "`grammar`",
        "format": 'Ollama\'s: `"json"` or a schema; `""` is none',
    },
    grammar.ResponseFormat: {
        "type": "what the text must be",
        "json_schema": "with the type of that name: the schema",
        "schema": "with `json_object`: a schema, as llama-server takes it",
    },
    grammar.NamedSchema: {
        "schema": _SCHEMA,
        "name": _NOTHING,
        "strict": "means nothing: a schema is always enforced",
    },
    SamplingFields: {
        "temperature": "0 is greedy",
        "top_k": "0 or -1 is off",
        "top_p": "1 is off",
        "min_p": "0 is off",
        "typical_p": "1 is off",
        "typ_p": "another name of `typical_p`, which goes before it",
        "repeat_penalty": "1 is off; on by default, unlike OpenAI's API",
        "repetition_penalty": "another name of `repeat_penalty`, which goes before it",
        "presence_penalty": "0 is off",
        "frequency_penalty": "0 is off",
        "repeat_last_n": "tokens that the penalties look at; 0 is off, -1 is 4096",
        "dry_multiplier": "0 is off",
        "dry_base": "how fast the penalty of a longer repetition grows",
        "dry_allowed_length": "longest repetition without a penalty",
        "dry_penalty_last_n": "tokens that it looks at; 0 is off, -1 is 32768",
        "dry_sequence_breakers": "texts that no repetition reaches across",
        "xtc_probability": "0 is off",
        "xtc_threshold": "least probability of the tokens of which all but one are removed",
        "dynatemp_range": "how far the temperature follows the entropy; 0 is off",
        "dynatemp_exponent": "how the entropy becomes a temperature",
        "mirostat": "1 or 2 is the version; 0 is off",
        "mirostat_tau": "entropy to keep",
        "mirostat_eta": "how fast it is corrected",
        "seed": "the same seed gives the same text; -1 or nothing draws one",
        "logit_bias": 'up to 300 tokens, each -100..100: OpenAI\'s `{"15043": -1}` or '
        "llama.cpp's `[[15043, false]]`, where `false` bans the token",
    },
    EmbeddingsBody: {
        "input": "up to 2048 texts or lists of token ids",
        "model": _MODEL,
        "encoding_format": "`base64` is little-endian float32, which OpenAI's clients ask for",
        "dimensions": "the first of each vector, scaled to length 1 again",
    },
    TokenizeBody: {
        "content": "the text, up to 2 MiB",
        "add_special": "add the model's begin-of-text token",
        "parse_special": "read control tokens written in the text",
        "with_pieces": "give ids and pieces; a piece that is not valid UTF-8 is a list of bytes",
    },
    DetokenizeBody: {"tokens": "ids, up to 262 144"},
    SwitchBody: {
        "profile": "name of the [profile](profiles.md)",
        "stream": "send events that tell the progress",
    },
    HardwareBody: {
        "gpu_layers": "layers on the GPU; -1 is all",
        "context_size": "tokens of a context",
        "kv_offload": "keep the KV cache on the GPU",
    },
}

_ANTHROPIC: Meanings = {
    Part: {"cache_control": "[prefixes are cached](scheduling.md) anyway"},
    MessagesBody: {
        "messages": "the roles in any order; see [messages](messages-api.md#messages)",
        "model": _MODEL,
        "system": "left out: `DEFAULT_SYSTEM_PROMPT`. The line that Claude Code writes in front, "
        "`x-anthropic-billing-header: …`, is dropped while `STABLE_PREFIX` is on: it differs from "
        "session to session, and none would share a prefix with another",
        "max_tokens": "left out: `DEFAULT_MAX_TOKENS`; larger than the context: the answer ends "
        "where the context does",
        "stream": "send [events](messages-api.md#streaming)",
        "temperature": "[as for chat completions](http-fields.md#sampling)",
        "top_k": "the same",
        "top_p": "the same",
        "stop_sequences": "texts that end the answer, each of 1 to 256 bytes",
        "tools": "other kinds than `custom`, which Anthropic's servers run, are left out and named "
        "in `x-ignored-tools`",
        "tool_choice": "whether and what to call",
        "thinking": "left out: no thoughts",
        "output_config": "the form of the answer, and how much work it is worth",
        "output_format": "the older name of `output_config.format`",
        "metadata": "there is nothing to do",
        "thread": "refused in the words that make Anthropic's tool runners send whole "
        "conversations: nothing is kept here",
    },
    messages.MessageBody: {"role": "who speaks", "content": "the text, or blocks"},
    blocks.TextBlock: {"type": _KIND, "text": "the text"},
    blocks.ThinkingBlock: {
        "type": _KIND,
        "thinking": "given back to the template",
        "signature": "not checked",
    },
    blocks.RedactedThinkingBlock: {"type": _KIND, "data": "only Anthropic can read it"},
    blocks.ToolUseBlock: {
        "type": _KIND,
        "id": _CALL_ID,
        "name": "of the tool",
        "input": "the arguments",
    },
    blocks.ToolResultBlock: {
        "type": _KIND,
        "tool_use_id": "the call that it answers",
        "content": "the result; a short text stands for parts that are not text",
        "is_error": "put `Error: ` in front",
    },
    anthropic_tools.CustomTool: {
        "type": _KIND,
        "name": "of the tool",
        "description": "what it does, for the model",
        "input_schema": f"{_SCHEMA}: the input. Without it, there is none",
        "strict": _STRICT,
    },
    anthropic_tools.ToolChoice: {
        "type": "`any` must call one, `tool` the one that is named",
        "name": "of the tool",
        "disable_parallel_tool_use": "one call at most",
    },
    thinking.Thinking: {
        "type": "`adaptive` and `between_tools` leave it to the model's template",
        "budget_tokens": "with `enabled`: tokens after which a thought is ended",
    },
    thinking.OutputConfig: {
        "effort": "for templates that know it",
        "format": "what the text must be",
    },
    thinking.OutputFormat: {"type": _KIND, "schema": _SCHEMA},
}

_RESPONSES: Meanings = {
    responses.ResponsesBody: {
        "input": "a text, or [items](responses-api.md#items)",
        "model": _MODEL,
        "instructions": "the system prompt, in front of all messages",
        "max_output_tokens": "maximum number of output tokens, including reasoning; without it, or "
        "with -1, the answer ends where the context does",
        "stream": "send [events](responses-api.md#events)",
        "stream_options": "nothing in it has an effect",
        "tools": "see [tools](responses-api.md#tools)",
        "tool_choice": "whether and what to call",
        "parallel_tool_calls": "whether an answer may have several calls",
        "text": "the form of the answer",
        "reasoning": "how much to think; goes before `reasoning_effort`",
        "top_logprobs": "alternatives for each token; above 0, it includes log-probabilities",
        "include": "`message.output_text.logprobs` adds log-probabilities, "
        "`reasoning.encrypted_content` adds [thoughts to send back](responses-api.md#thoughts); "
        "others have no effect",
        "truncation": "`auto` drops the oldest turns of a conversation that is too long, "
        "`disabled` answers 400; also our own words. `disabled` without it, whatever `TRUNCATION` "
        "says: agents such as Codex shorten their conversations themselves",
        "metadata": "given back; at most 16 keys of 64 and texts of 512 characters",
        "user": "given back, and nothing else",
        "safety_identifier": "given back, and nothing else",
        "prompt_cache_key": "given back, and nothing else: the cache needs no key",
        "store": "no response is stored; with `false`, "
        "[no item is kept](responses-api.md#items-by-their-names) for an hour either",
        "background": "nothing runs in the background",
        "previous_response_id": "send the earlier items in `input`",
        "conversation": "send the whole conversation in `input`",
        "prompt": "send `instructions` and `input`",
        "stop": "[as in chat completions](http-fields.md#generation)",
        "priority": "the same",
        "rag_context": "[as in chat completions](http-fields.md#chat-completions)",
    },
    responses.ResponsesStreamOptions: {},
    responses.TextField: {"format": "what the text must be"},
    responses.TextFormat: {
        "type": _KIND,
        "name": _NOTHING,
        "description": _NOTHING,
        "strict": "means nothing: a schema is always enforced",
        "schema": _SCHEMA,
    },
    responses.ReasoningField: {
        "effort": "as far as the model's template knows it",
        "summary": "gives [thoughts](responses-api.md#thoughts) as their summary, but for `none`",
        "generate_summary": "another name of `summary`",
    },
    items.PartBody: {
        "type": "`input_text`, `output_text`, `text`; `refusal` is left out",
        "text": "the text",
        "refusal": _NOTHING,
        "annotations": _NOTHING,
        "logprobs": _NOTHING,
    },
    items.MessageItem: _ITEM
    | {"role": "who speaks", "content": "the text, or parts of it", "phase": _NOTHING},
    items.ReasoningItem: _ITEM
    | {
        "summary": "the thoughts, if there is no `content`",
        "content": "the thoughts of the message that follows",
        "encrypted_content": "the thoughts, if there is nothing else and it came from here",
    },
    items.FunctionCallItem: _ITEM
    | {
        "call_id": _CALL_ID,
        "name": "of the function",
        "arguments": "JSON as text",
        "namespace": "of the tool, if it has one",
    },
    items.CustomCallItem: _ITEM
    | {
        "call_id": _CALL_ID,
        "name": "of the tool",
        "input": "as it is",
        "namespace": "of the tool, if it has one",
    },
    items.OutputItem: _ITEM
    | {
        "call_id": "the call that it answers, which stands before it",
        "output": "a text, or parts; a short text stands for one without text",
        "name": "without `call_id`, the output is a message of the user",
        "namespace": _NOTHING,
    },
    responses_tools.FunctionTool: {
        "type": _KIND,
        "name": "of the function",
        "description": "what it does, for the model",
        "parameters": f"{_SCHEMA}: the arguments. Without it, there are none",
        "strict": _STRICT,
    },
    responses_tools.CustomTool: {
        "type": _KIND,
        "name": "of the tool",
        "description": "what it does, for the model",
        "format": "what the input must be",
    },
    responses_tools.CustomFormat: {
        "type": _KIND,
        "syntax": "`regex` is enforced, `lark` only shown to the model",
        "definition": "the grammar",
    },
    responses_tools.NamespaceTool: {
        "type": _KIND,
        "name": "of the group; the model knows a tool as `NAMESPACE__NAME`",
        "description": "put in front of those of its tools",
        "tools": "functions and custom tools",
    },
}

MEANINGS: Meanings = {**_CHAT, **_TEXT, **_ANTHROPIC, **_RESPONSES}


def meaning(kind: type[Body], field: str, *, links: bool = True) -> str:
    """What a field means, said by the class that declares it or by one of its bases."""
    texts = (MEANINGS[base].get(field) for base in kind.__mro__ if base in MEANINGS)
    text = next(filter(None, texts), "")
    return text if links else re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text)
