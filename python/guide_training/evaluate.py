# SPDX-License-Identifier: AGPL-3.0-only
"""Measures the exported file: greedy answers to phrasings and values it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer

from guide_training import chatter, memory, structured, words
from guide_training import tokenizer as bpe
from guide_training.dialogues import NAME, NOTED, OTHER_NOTED, Turn
from guide_training.export import load
from guide_training.model import Guide
from guide_training.phrasing import LANGUAGES
from guide_training.questions import Fact, load_facts

SEED = 77_777  # never used by the training
DISTANCES = (0, 100, 250, 500, 800)  # tokens between a fact and its question
SAMPLES = 40  # per distance, language and measure


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation that ends with a question, and what its answer must contain."""

    turns: tuple[Turn, ...]
    needed: tuple[str, ...]


@dataclass(slots=True)
class Score:
    """How many of the cases were answered well, with a few that were not."""

    right: int = 0
    cases: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """Share of good answers."""
        return round(100 * self.right / max(1, self.cases), 1)


class Reader:
    """Answers greedily with the exported model."""

    def __init__(self, model: Guide, tokenizer: Tokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.end = bpe.token_id(tokenizer, bpe.END)

    def tokens(self, text: str) -> list[int]:
        """Token ids of a text in which special tokens may be written out."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    @torch.inference_mode()
    def complete(self, prompt: str, limit: int = 64) -> str:
        """The most likely continuation, up to the end of the turn."""
        step, cache, out = torch.tensor([self.tokens(prompt)]), None, []
        for _ in range(limit):
            logits, cache = self.model(step, cache)
            best = int(logits[0, -1].argmax())
            if best == self.end:
                break
            out.append(best)
            step = torch.tensor([[best]])
        return str(self.tokenizer.decode(out))

    def answer(self, turns: Iterable[Turn]) -> str:
        """The answer to a conversation."""
        return self.complete("".join(t.rendered() for t in turns) + "<|im_start|>assistant\n")

    def score(self, cases: Iterable[Case]) -> Score:
        """How many cases are answered with everything that is needed."""
        score = Score()
        for case in cases:
            answer = self.answer(case.turns)
            score.cases += 1
            if all(part in answer for part in case.needed):
                score.right += 1
            else:
                score.failures.append({"question": case.turns[-1].text[-160:], "answer": answer})
        return score


def question_cases(facts: list[Fact], language: str, careless: bool = False) -> list[Case]:
    """Held-out phrasings, alone; `careless` types them in lower case without a mark."""
    return [
        Case((Turn("user", question),), fact.needed)
        for fact in facts
        if fact.language == language
        for question in (fact.held_out if careless else fact.clean_held_out())
    ]


class CaseMaker:
    """Draws conversations whose values and subjects the training never saw."""

    def __init__(self, reader: Reader, language: str) -> None:
        self.rng = Random(f"{SEED}-{language}")
        self.reader = reader
        self.language = language
        self.kinds = memory.load_kinds()[language]
        self.facts = [fact for fact in load_facts() if fact.language == language]

    def between(self, tokens: int) -> list[Turn]:
        """Other questions and answers of about the given number of tokens."""
        turns: list[Turn] = []
        size = 0
        while size < tokens:
            fact = self.rng.choice(self.facts)
            pair = [Turn("user", self.rng.choice(fact.asked) + "?"), Turn("assistant", fact.answer)]
            turns += pair
            size += len(self.reader.tokens("".join(turn.rendered() for turn in pair)))
        return turns

    def recall(self, distance: int) -> Case:
        """A fact, told by the user or in the system prompt, then asked for."""
        rng = self.rng
        item = memory.draw(rng, self.kinds, unseen=rng.random() < 0.5)
        told = item.statement(rng)
        start = [Turn("system", told)]
        telling = rng.random()
        if telling < 0.3:
            start = [Turn("user", told), Turn("assistant", OTHER_NOTED[self.language][0])]
        elif telling < 0.6:
            start = [
                Turn("user", told),
                Turn("assistant", f"{NOTED[self.language]} {item.answer()}"),
            ]
        question = Turn("user", item.question(rng, clean=True))
        return Case((*start, *self.between(distance), question), (item.value,))

    def choose(self) -> Case:
        """Four facts among filler in one system prompt; one of them is asked for."""
        rng = self.rng
        items = {item.key: item for item in (memory.draw(rng, self.kinds) for _ in range(4))}
        parts = [item.statement(rng) for item in items.values()]
        parts += [chatter.filler(rng, self.language, 1) for _ in range(4)]
        rng.shuffle(parts)
        item = rng.choice(list(items.values()))
        question = Turn("user", item.question(rng, clean=True))
        return Case((Turn("system", " ".join(parts)), question), (item.value,))

    def name(self, distance: int) -> Case:
        """The user's name, told and asked for later."""
        rng, phrases = self.rng, NAME[self.language]
        name = words.name(rng)
        told = Turn("user", rng.choice(phrases["tell"].split("|")).format(n=name))
        greeting = Turn("assistant", phrases["ack"].format(n=name))
        question = Turn("user", rng.choice(phrases["ask"].split("|")))
        return Case((told, greeting, *self.between(distance), question), (name,))

    def json(self) -> Case:
        """A request for an object; the answer must be exactly this object."""
        rng, keys = self.rng, structured.some_keys(self.rng)
        someone = structured.person(rng)
        told = structured.told(rng, someone, self.language, keys, me=rng.random() < 0.3)
        question, answer = structured.request(rng, someone, self.language, keys, clean=True)
        return Case((Turn("user", f"{told} {question}"),), (answer,))

    def not_told(self) -> Case:
        """A question for a fact that nobody told."""
        item = memory.draw(self.rng, self.kinds)
        needed = (chatter.DO_NOT_KNOW[self.language],)
        return Case((Turn("user", item.question(self.rng, clean=True)),), needed)

    def beyond(self) -> list[Case]:
        """Held-out questions about the world."""
        needed = (chatter.DO_NOT_KNOW[self.language],)
        return [Case((Turn("user", q),), needed) for q in chatter.BEYOND_HELD_OUT[self.language]]

    def continuation(self) -> tuple[str, str]:
        """Plain text without roles, and the value that must come next."""
        item = memory.draw(self.rng, [kind for kind in self.kinds if kind.name == "code"])
        said = item.answer()
        text = f"{said} {chatter.filler(self.rng, self.language, 3)} {said}"
        return text[: text.rindex(item.value)].rstrip(), item.value


def _continuations(reader: Reader, maker: CaseMaker) -> Score:
    score = Score()
    for _ in range(SAMPLES):
        text, value = maker.continuation()
        answer = reader.complete(text, limit=12)
        score.cases += 1
        score.right += answer.strip().startswith(value)
    return score


def _measures(
    reader: Reader, maker: CaseMaker, facts: list[Fact]
) -> dict[str, Callable[[], Score]]:
    """The name of every measure in one language, and how to take it."""

    def drawn(make: Callable[[], Case]) -> Callable[[], Score]:
        return lambda: reader.score([make() for _ in range(SAMPLES)])

    measures: dict[str, Callable[[], Score]] = {
        "questions": lambda: reader.score(question_cases(facts, maker.language)),
        "questions, careless typing": lambda: reader.score(
            question_cases(facts, maker.language, careless=True)
        ),
    }
    for distance in DISTANCES:
        measures[f"recall after {distance} tokens"] = drawn(partial(maker.recall, distance))
    measures |= {
        "recall of one of four facts among filler": drawn(maker.choose),
        "recall as plain continuation": lambda: _continuations(reader, maker),
        "name after 0 tokens": drawn(partial(maker.name, 0)),
        "name after 300 tokens": drawn(partial(maker.name, 300)),
        "JSON with the right keys and values": drawn(maker.json),
        "does not know: the world": lambda: reader.score(maker.beyond()),
        "does not know: never told": drawn(maker.not_told),
    }
    return measures


def evaluate(path: Path, say: Callable[[str], None]) -> dict[str, dict[str, Score]]:
    """Every measure in every language."""
    reader, facts = Reader(*load(path)), load_facts()
    results: dict[str, dict[str, Score]] = {}
    for language in LANGUAGES:
        maker = CaseMaker(reader, language)
        for name, take in _measures(reader, maker, facts).items():
            score = take()
            results.setdefault(name, {})[language] = score
            say(f"{language} {name}: {score.right}/{score.cases}")
    return results


def as_json(results: dict[str, dict[str, Score]]) -> dict[str, dict[str, object]]:
    """The results for a file, with at most five failures of each measure."""
    return {
        name: {
            language: {
                "right": score.right,
                "cases": score.cases,
                "percent": score.percent,
                "failures": asdict(score)["failures"][:5],
            }
            for language, score in by_language.items()
        }
        for name, by_language in results.items()
    }
