# SPDX-License-Identifier: AGPL-3.0-only
"""What the tests of llama.cpp's server fix, asked of ours: docs/upstream-behaviour.md lists all.

Each test stands for itself; the model has random weights, so that any difference shows in the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from server_process import ServerProcess

PROMPT = "I believe the meaning of life is"
FREE = {"temperature": 1.0, "ignore_eos": True, "max_tokens": 24, "repeat_penalty": 1}
SEEDED = FREE | {"seed": 42}
GREEDY = FREE | {"temperature": 0}


def completion(server: ServerProcess, prompt: Any = PROMPT, **fields: Any) -> dict[str, Any]:
    """A whole answer of /v1/completions."""
    reply = server.post("/v1/completions", {"prompt": prompt, **SEEDED, **fields})
    assert reply.status == 200, reply.body
    answer: dict[str, Any] = reply.json
    return answer


def texts(answer: dict[str, Any]) -> list[str]:
    return [choice["text"] for choice in answer["choices"]]


@pytest.fixture(scope="module")
def small(tiny_q8_0: Any) -> Iterator[ServerProcess]:
    """Two contexts of 256 tokens."""
    server = ServerProcess(tiny_q8_0, contexts=2, context_size=256).wait_ready()
    yield server
    server.check_healthy()
    server.close()


# test_completion.py


@pytest.mark.parametrize("settings", [{"contexts": 1}, {"contexts": 2, "physical_batch_size": 32}])
def test_the_same_seed_gives_the_same_text_for_any_contexts_and_batches(
    start: Any, tiny_q8_0: Any, tiny: ServerProcess, settings: dict[str, int]
) -> None:
    other = start(tiny_q8_0, context_size=2048, batch_size=64, **settings).wait_ready()
    found = {texts(completion(server))[0] for server in (other, other, tiny, tiny)}
    assert len(found) == 1 and found != {""}


def test_different_seeds_give_different_texts(tiny: ServerProcess) -> None:
    assert len({texts(completion(tiny, seed=seed))[0] for seed in range(4)}) == 4


def test_a_prefix_from_the_cache_changes_no_text(tiny: ServerProcess) -> None:
    prompt = "The cache must not be seen. " * 40
    first, again = completion(tiny, prompt), completion(tiny, prompt)
    cached = [
        answer["usage"]["prompt_tokens_details"]["cached_tokens"] for answer in (first, again)
    ]
    assert cached[0] == 0 < cached[1]
    assert texts(first) == texts(again)


def test_no_tokens_may_be_asked_for(tiny: ServerProcess) -> None:
    answer = completion(tiny, max_tokens=None, n_predict=0)
    assert texts(answer) == [""] and answer["usage"]["completion_tokens"] == 0


def test_a_stop_word_ends_the_text_and_is_no_part_of_it(tiny: ServerProcess) -> None:
    (whole,) = texts(completion(tiny))
    stop = whole[len(whole) // 2 :][:4]
    answer = completion(tiny, stop=[stop])
    assert texts(answer) == [whole[: whole.index(stop)]]
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_texts_and_token_ids_may_be_mixed_in_a_list(tiny: ServerProcess) -> None:
    ids = tiny.post("/tokenize", {"content": PROMPT, "add_special": True}).json["tokens"]
    (text,) = texts(completion(tiny, ids))
    assert texts(completion(tiny, PROMPT)) == [text]
    assert texts(completion(tiny, [ids, ids])) == [text, text]
    assert texts(completion(tiny, [ids, PROMPT])) == [text, text]


@pytest.mark.parametrize("stream", [False, True])
def test_every_token_has_as_many_alternatives_as_asked_for(
    tiny: ServerProcess, stream: bool
) -> None:
    body = {"prompt": PROMPT, **SEEDED, "logprobs": 10, "stream": stream}
    reply = tiny.post("/v1/completions", body)
    answers = [event for event in reply.events if event != "[DONE]"] if stream else [reply.json]
    found = [choice["logprobs"] for answer in answers for choice in answer["choices"]]
    top = [each for part in found if part for each in part["top_logprobs"]]
    assert len(top) == SEEDED["max_tokens"]
    assert all(10 <= len(each) <= 11 for each in top)  # and the chosen one, if it is none of them


def test_a_bias_bans_tokens(tiny: ServerProcess) -> None:
    first = completion(tiny, return_tokens=True)["choices"][0]["tokens"]
    bias = [[token, False] for token in set(first)]
    again = completion(tiny, return_tokens=True, logit_bias=bias)["choices"][0]["tokens"]
    assert len(again) == len(first) and not set(again) & set(first)


def test_eight_requests_for_two_contexts_get_what_each_gets_alone(small: ServerProcess) -> None:
    prompts = [f"{number}. Write a very long book." for number in range(8)]
    alone = [texts(completion(small, prompt)) for prompt in prompts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda prompt: texts(completion(small, prompt)), prompts)) == alone


@pytest.mark.parametrize("lengths", [(80, 40, 80, 80), (70, 70, 70, 70), (90, 90, 40, 90)])
def test_a_shared_cache_that_is_too_small_for_all_serves_all(
    start: Any, tiny_q8_0: Any, lengths: tuple[int, ...]
) -> None:
    """Upstream ends the requests that overlap; here they wait for each other."""
    room = {"contexts": 4, "context_size": 256, "kv_layout": "unified", "kv_cells": 256}
    server = start(tiny_q8_0, **room).wait_ready()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: completion(server, "A", max_tokens=n), lengths))
    assert [answer["usage"]["completion_tokens"] for answer in answers] == list(lengths)
    server.check_healthy()


# test_ctx_shift.py


def test_a_full_context_shifts_and_says_so(small: ServerProcess) -> None:
    ids = small.post("/tokenize", {"content": "one two three four five " * 60}).json["tokens"][:226]
    answer = completion(small, ids, max_tokens=96)
    usage = answer["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (226, 96)
    assert answer["truncation"]["shifted_tokens"] > 0
    short = completion(small, ids, max_tokens=8)
    assert short["truncation"]["shifted_tokens"] == 0


def test_without_a_shift_an_answer_ends_where_the_context_does(small: ServerProcess) -> None:
    """Messages are never shifted."""
    asked = {"messages": [{"role": "user", "content": "Hi how are you"}], "temperature": 0}
    found = []
    for limit in (64, 1000):
        answer = small.post("/v1/messages", asked | {"max_tokens": limit}).json
        usage = answer["usage"]
        prompt = usage["input_tokens"] + usage["cache_read_input_tokens"]
        found.append((answer["stop_reason"], usage["output_tokens"]))
    assert found == [("max_tokens", 64), ("max_tokens", 256 - prompt + 1)]


def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(small: ServerProcess) -> None:
    body = {"prompt": "word " * 400, "truncation": "error"}
    reply = small.post("/v1/completions", body)
    assert reply.status == 400
    assert "exceeds the available context size" in reply.error["message"]
    assert reply.error["type"] == "exceed_context_size_error"
    assert reply.error["n_ctx"] == 256 < reply.error["n_prompt_tokens"]


# test_embedding.py


def test_vectors_are_the_same_alone_and_among_others(tiny: ServerProcess) -> None:
    inputs: list[Any] = ["I believe", "Write a joke", "This is a test", "I believe"]
    reply = tiny.post("/v1/embeddings", {"input": inputs}).json
    together = [item["embedding"] for item in reply["data"]]
    alone = [tiny.post("/v1/embeddings", {"input": text}).json for text in inputs]
    assert [answer["data"][0]["embedding"] for answer in alone] == together
    assert together[0] == together[3] != together[1]
    assert reply["usage"]["prompt_tokens"] == sum(a["usage"]["prompt_tokens"] for a in alone)


def test_an_input_that_is_too_long_to_embed_is_refused(tiny: ServerProcess) -> None:
    reply = tiny.post("/v1/embeddings", {"input": ["short", "This is a test " * 2000]})
    assert reply.status == 400 and reply.error["param"] == "input.1"
    assert "allowed 1..2048 tokens" in reply.error["message"]


# test_lora.py


def test_an_adapter_changes_only_the_requests_that_name_it(start: Any, library_folder: Any) -> None:
    server = start(library_folder / "model.gguf", lora_dir=library_folder / "adapters").wait_ready()
    plain = texts(completion(server))
    adapted = texts(completion(server, lora_adapter="legal"))
    assert plain != adapted
    names = [None, "legal"] * 3
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda name: texts(completion(server, lora_adapter=name)), names))
    assert found == [plain, adapted] * 3


# test_chat_completion.py


def test_the_next_turn_says_what_came_from_the_cache(tiny: ServerProcess) -> None:
    said = [{"role": "user", "content": "Tell me of the sea and of its many ships. " * 20}]
    first = tiny.chat(said, **GREEDY).json
    said += [{"role": "assistant", "content": first["choices"][0]["message"]["content"]}]
    second = tiny.chat([*said, {"role": "user", "content": "And then?"}], **GREEDY).json
    cached = second["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert cached == second["timings"]["cache_n"]
    assert first["usage"]["prompt_tokens"] * 0.9 < cached <= second["usage"]["prompt_tokens"]


def test_the_count_of_tokens_is_what_the_chat_evaluates(tiny: ServerProcess) -> None:
    body = {"messages": [{"role": "user", "content": "What is the time?"}]}
    count = tiny.post("/v1/chat/completions/input_tokens", body).json["input_tokens"]
    assert tiny.chat(body["messages"], max_tokens=1).json["usage"]["prompt_tokens"] == count


def test_the_tokens_of_an_answer_are_counted_in_its_timings(tiny: ServerProcess) -> None:
    answer = completion(tiny)
    timings, usage = answer["timings"], answer["usage"]
    assert timings["predicted_n"] == usage["completion_tokens"] == SEEDED["max_tokens"]
    assert timings["prompt_n"] + timings["cache_n"] == usage["prompt_tokens"]


# test_tokenize.py


def test_the_begin_of_text_comes_only_when_asked_for(tiny: ServerProcess) -> None:
    plain = tiny.post("/tokenize", {"content": PROMPT}).json["tokens"]
    special = tiny.post("/tokenize", {"content": PROMPT, "add_special": True}).json["tokens"]
    assert special == [1, *plain] and tiny.post("/detokenize", {"tokens": plain}).status == 200
