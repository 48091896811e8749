# SPDX-License-Identifier: AGPL-3.0-only
"""GBNF: the text follows the grammar to the letter, or there is no text at all."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine_tools import GREEDY, read, seeded
from sentiric_llama import Grammar, Vocabulary, types
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import SamplingParams

GRAMMARS = {
    r"(yes|no)": 'root ::= "yes" | "no"',
    r"[a-f]{3}": "root ::= [a-f]{3}",
    r"[a-f]{2,5}": "root ::= [a-f]{2,5}",
    r"\d{1,3}(\.\d{1,3}){3}": 'root ::= part ("." part){3}\npart ::= [0-9]{1,3}',
    r"(a|b)+c?": 'root ::= ("a" | "b")+ "c"?',
    r"[çğışöü]{4} 🦙": 'root ::= [çğışöü]{4} " 🦙"',
    r"line 1\nline 2\t\"x\"\\": 'root ::= "line 1\\nline 2\\t\\"x\\"\\\\"',
    r"[^a-z]{3}": r"root ::= [^a-z]{3}",
    r"\(*x\)*": 'root ::= "(" root ")" | "x"',
    r"item: \w+(, \w+)*\.": '# a list\nroot ::= "item: " w (", " w)* "."\nw ::= [a-z]{1,4}\n',
    "": 'root ::= ""',
}
QUICK = SamplingParams(temperature=1.0, top_k=100, top_p=1.0, min_p=0.0, repeat_penalty=1.0)


@pytest.mark.parametrize("pattern", GRAMMARS)
def test_the_text_follows_the_grammar(tiny: Engine, pattern: str) -> None:
    finished = 0
    for seed in range(8):
        completion = tiny.generate(
            "x", replace(QUICK, seed=seed), grammar=GRAMMARS[pattern], max_tokens=80
        )
        if completion.finish_reason == "stop":
            finished += 1
            assert re.fullmatch(pattern, completion.text, re.DOTALL), completion.text
            assert completion.text.count("(") == completion.text.count(")")
    assert finished > 0


def test_every_alternative_can_come(tiny: Engine) -> None:
    grammar = 'root ::= "one" | "two" | "three"'
    texts = {
        tiny.generate("x", replace(QUICK, seed=seed), grammar=grammar).text for seed in range(60)
    }
    assert texts == {"one", "two", "three"}


def test_the_likeliest_allowed_token_is_taken(tiny: Engine) -> None:
    """A grammar takes tokens away and changes no order among the others."""
    prompt = tiny.tokenize("Hello", add_special=True)
    row = tiny.logits(prompt)[-1]
    digits = {d: tiny.tokenize(d)[-1] for d in "0123456789"}
    wanted = max(digits, key=lambda d: row[digits[d]])
    assert tiny.generate("Hello", GREEDY, grammar="root ::= [0-9]").text == wanted


def test_a_grammar_that_refuses_no_candidate_changes_nothing(tiny: Engine) -> None:
    """`[^\\x00]*` refuses only halves of characters and control tokens."""
    anything = r"root ::= [^\x00]*"
    for params in (GREEDY, replace(seeded(5), top_k=3), replace(seeded(6), top_k=3)):
        plain = read(tiny.stream("Hello", params, max_tokens=20))
        assert read(tiny.stream("Hello", params, grammar=anything, max_tokens=20)) == plain


def test_at_the_end_only_the_end_is_left(tiny: Engine) -> None:
    for ignore in (False, True):
        completion = tiny.generate(
            "x", GREEDY, grammar='root ::= "ab"', max_tokens=20, ignore_eos=ignore
        )
        assert (completion.text, completion.finish_reason) == ("ab", "stop")


def test_no_end_before_the_grammar_allows_it(tiny: Engine) -> None:
    eager = replace(GREEDY, logit_bias={tiny.info.eos: 100.0})
    completion = tiny.generate("x", eager, grammar="root ::= [a-z]{5,9}", max_tokens=20)
    *letters, last, end = completion.tokens
    assert re.fullmatch("[a-z]{5,9}", completion.text)
    assert (
        len(tiny.detokenize(letters).strip()) < 5 <= len(tiny.detokenize([*letters, last]).strip())
    )
    assert end == tiny.info.eos
    assert completion.finish_reason == "stop"


def test_control_tokens_never_match(guide: Engine) -> None:
    """Control tokens have names, but no text that a grammar could allow."""
    wanted = replace(
        GREEDY, logit_bias={guide.tokenize("<|im_start|>", parse_special=True)[0]: 100.0}
    )
    question = [{"role": "user", "content": "Who are you?"}]
    completion = guide.chat(question, wanted, grammar='root ::= "<|im_start|>" [a-z]{3}')
    assert re.fullmatch(r"<\|im_start\|>[a-z]{3}", completion.text)
    assert all(guide.detokenize([token]) for token in completion.tokens[:-1])


def test_json_kinds_through_a_grammar_value(tiny: Engine) -> None:
    grammar = Grammar("json_schema", '{"enum": ["a", "b"]}')
    assert json.loads(tiny.generate("x", GREEDY, grammar=grammar).text) in ("a", "b")
    assert re.fullmatch(
        "[ab]", tiny.generate("x", GREEDY, grammar=Grammar("gbnf", "root ::= [ab]")).text
    )
    free = tiny.generate("Hello", GREEDY, max_tokens=5).text
    assert tiny.generate("Hello", GREEDY, grammar=types.Grammar("none"), max_tokens=5).text == free


def test_a_compiled_grammar_is_kept(tiny: Engine) -> None:
    before = tiny.stats()
    for _ in range(3):
        tiny.generate("x", GREEDY, grammar='root ::= "only here"')
    after = tiny.stats()
    assert after.grammar_cache_misses == before.grammar_cache_misses + 1
    assert after.grammar_cache_hits == before.grammar_cache_hits + 2


def test_the_vocabulary_of_a_model(tiny: Engine) -> None:
    """Control tokens are no text, a blank is one."""
    vocabulary = Vocabulary.of(tiny)
    pieces = tiny.token_bytes(range(tiny.info.num_vocab))
    assert len(vocabulary) == len(pieces) == tiny.info.num_vocab
    anything = Grammar.from_regex(r"[\s\S]*").mask(vocabulary)
    assert {pieces[token] for token in np.flatnonzero(~anything)} >= {b"<s>", b"</s>"}
    assert all(anything[token] for token, piece in enumerate(pieces) if piece.isalpha())
    blank = Grammar.from_regex(" ").mask(vocabulary)
    assert {pieces[token] for token in np.flatnonzero(blank)} == {b" "}


def test_patterns_choices_and_schemas_as_texts(tiny: Engine) -> None:
    def text(**options: Any) -> str:
        return tiny.generate("x", QUICK, max_tokens=20, **options).text

    assert re.fullmatch("[ab]{3}", text(regex="[ab]{3}"))
    assert text(choice=["evet", "hayır"]) in ("evet", "hayır")
    assert text(choice=("evet",), json_schema=None, grammar=None) == "evet"
    assert text(json_schema='{"const": "a"}') == '"a"'
    with tiny.stream("x", QUICK, regex="[ab]{30}", max_tokens=3) as stream:
        *_, last = stream
    assert last.final is not None and last.final.unfinished


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"grammar": 'root ::= "a"', "json_schema": {}}, "grammar"),
        ({"grammar": 5}, "grammar"),
        ({"grammar": types.Grammar("text", "a")}, "grammar"),  # type: ignore[arg-type]
        ({"grammar": 'root ::= "\ud800"'}, "grammar"),
        ({"regex": "a", "choice": ["a"]}, "regex"),
        ({"regex": 5}, "regex"),
        ({"choice": "a"}, "choice"),
        ({"choice": ["a", 1]}, "choice[1]"),
        ({"json_schema": 5}, "json_schema"),
    ],
    ids=["both", "number", "kind", "surrogate", "two", "pattern", "text", "element", "schema"],
)
def test_wrong_kinds_of_grammar(tiny: Engine, options: dict[str, object], where: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        tiny.generate("x", GREEDY, **options)  # type: ignore[arg-type]
    assert caught.value.where == where
