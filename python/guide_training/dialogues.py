# SPDX-License-Identifier: AGPL-3.0-only
"""Generates the conversations the guide is trained on; nothing is read from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from guide_training import chatter, memory, structured, words
from guide_training.phrasing import LANGUAGES, recased, rephrased, varied
from guide_training.questions import Fact, load_facts

CHARACTERS_PER_TOKEN = 3.2  # of our own vocabulary on our own text; only steers lengths
MAIN, SIDE = 1.0, 0.1  # loss weights: what the guide says, and everything it reads

NAME = {
    "en": {
        "tell": "My name is {n}.|I am {n}.|I'm {n}.|Call me {n}.|Hello, my name is {n}."
        "|Hi, I am {n}.",
        "ack": "Nice to meet you, {n}!",
        "ask": "What is my name?|What's my name?|Do you remember my name?|Who am I?|Say my name.|"
        "Do you know my name?|What was my name?|Tell me my name.",
        "answer": "Your name is {n}.",
    },
    "tr": {
        "tell": "Benim adım {n}.|Adım {n}.|Ben {n}.|Bana {n} de.|Merhaba, adım {n}."
        "|Selam, ben {n}.",
        "ack": "Tanıştığımıza memnun oldum, {n}!",
        "ask": "Adım ne?|Benim adım ne?|Adımı hatırlıyor musun?|Ben kimim?|Adımı söyle.|"
        "Adımı biliyor musun?|Adım neydi?|Benim adım neydi?",
        "answer": "Adın {n}.",
    },
}
NOTED = {"en": "Noted.", "tr": "Not aldım."}
OTHER_NOTED = {
    "en": ["OK.", "Okay!", "Sure.", "Got it.", "Understood.", "Thank you!"],
    "tr": ["Tamam.", "Peki.", "Anladım.", "Elbette.", "Teşekkürler!"],
}
TELLING = {
    "en": ["{t}"] * 4 + ["Please remember: {t}", "Remember this: {t}", "Note: {t}", "FYI: {t}"],
    "tr": ["{t}"] * 4
    + ["Lütfen unutma: {t}", "Şunu aklında tut: {t}", "Not: {t}", "Bilgin olsun: {t}"],
}
CONTEXT = {
    "en": [
        "Context:\n{t}", "Facts:\n{t}", "Use only this context.\n\nContext:\n{t}", "{t}",
        "You are a helpful assistant. {t}", "<context>\n{t}\n</context>",
    ],
    "tr": [
        "Bağlam:\n{t}", "Bilgiler:\n{t}", "Sadece verilen bağlama göre cevap ver.\n\nBağlam:\n{t}",
        "{t}", "Yardımsever bir asistansın. {t}", "<bağlam>\n{t}\n</bağlam>",
    ],
}  # fmt: skip
IN_JSON = {
    "en": "Answer in JSON.|Reply as JSON.|Give the answer as JSON.|JSON please.",
    "tr": "JSON ile yanıt ver.|JSON olarak cevapla.|Yanıtı JSON olarak ver.|JSON lütfen.",
}
ECHO = {
    "en": "Repeat: {t}|Say {t}|Repeat after me: {t}|Write {t}|Please say: {t}|Echo {t}",
    "tr": "Tekrar et: {t}|Şunu söyle: {t}|Benden sonra tekrarla: {t}|Şunu yaz: {t}|De ki: {t}",
}
QUESTION = {
    "en": "{c}\n\nQuestion: {q}|{c}\n\n{q}|{c} {q}",
    "tr": "{c}\n\nSoru: {q}|{c}\n\n{q}|{c} {q}",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: str
    text: str
    is_own: bool = True  # False: an answer that somebody else gave, to read but not to learn

    def rendered(self) -> str:
        """The message in ChatML, as the chat template writes it."""
        return f"<|im_start|>{self.role}\n{self.text}<|im_end|>\n"


Piece = tuple[str, float]  # text and the loss weight of its tokens


@dataclass(slots=True)
class Conversation:
    """A conversation under construction and what has been said in it."""

    language: str
    turns: list[Turn] = field(default_factory=list)
    known: dict[tuple[str, str], memory.Memory] = field(default_factory=dict)
    name: str | None = None
    size: int = 0

    def add(self, role: str, text: str, is_own: bool = True) -> None:
        """Append one message."""
        self.turns.append(Turn(role, text, is_own))
        self.size += len(self.turns[-1].rendered())

    def exchange(self, question: str, answer: str) -> None:
        """Append a question and its answer."""
        self.add("user", question)
        self.add("assistant", answer)

    def pieces(self) -> list[Piece]:
        """The text with the guide's own words weighted fully."""
        parts: list[Piece] = []
        for turn in self.turns:
            if turn.role == "assistant" and turn.is_own:
                head, tail = f"<|im_start|>{turn.role}\n", f"{turn.text}<|im_end|>"
                parts += [(head, SIDE), (tail, MAIN), ("\n", SIDE)]
            else:
                parts.append((turn.rendered(), SIDE))
        return parts


class Generator:
    """Draws conversations from one random stream."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.kinds = memory.load_kinds()
        self.facts: dict[str, list[Fact]] = {
            lang: [fact for fact in load_facts() if fact.language == lang] for lang in LANGUAGES
        }
        self.moves: list[tuple[float, Callable[[Conversation], None]]] = [
            (0.38, self._ask_fact),
            (0.10, self._ask_beyond),
            (0.13, self._tell),
            (0.20, self._recall),
            (0.04, self._echo),
            (0.05, self._speak_of_name),
            (0.05, self._ask_json),
            (0.05, self._read_context),
        ]

    def row(self, tokens: int) -> list[Piece]:
        """Text for one training row of about the given number of tokens."""
        wanted = int(tokens * CHARACTERS_PER_TOKEN)
        return (
            self._prose(wanted) if self.rng.random() < 0.06 else self.conversation(wanted).pieces()
        )

    def conversation(self, characters: int) -> Conversation:
        """A conversation of at least the given length."""
        talk = Conversation(self.rng.choice(LANGUAGES))
        self._open(talk, characters)
        weights = [weight for weight, _ in self.moves]
        while talk.size < characters:
            self.rng.choices(self.moves, weights)[0][1](talk)
        return talk

    def _open(self, talk: Conversation, characters: int) -> None:
        """Maybe a system prompt, which may carry facts and filler to look through."""
        rng, lang, chance = self.rng, talk.language, self.rng.random()
        if chance < 0.45:
            return
        if chance < 0.63:
            talk.add("system", chatter.instruction(rng, lang))
            return
        learned = self._learn(talk, rng.choice((1, 1, 2, 3, 4)))
        talk.add("system", self._document(lang, learned, characters // 4))
        if rng.random() < 0.4:
            self._recall(talk)

    def _learn(self, talk: Conversation, count: int) -> list[memory.Memory]:
        """Facts new to the conversation, or with new values; at most `count`."""
        fresh: dict[tuple[str, str], memory.Memory] = {}
        for _ in range(count):
            item = memory.draw(self.rng, self.kinds[talk.language])
            fresh.setdefault(item.key, item)
        talk.known.update(fresh)
        return list(fresh.values())

    def _document(self, lang: str, items: list[memory.Memory], filling: int) -> str:
        """The facts in one text, half of the time among filler of up to that many characters."""
        rng, sentences = self.rng, [item.statement(self.rng) for item in items]
        if rng.random() < 0.5:
            for _ in range(rng.randint(1, max(2, filling // 50))):
                sentences.insert(rng.randint(0, len(sentences)), chatter.filler(rng, lang, 1))
        joined = rng.choice((" ", "\n", "\n- ")).join(sentences)
        return rng.choice(CONTEXT[lang]).format(t=joined)

    def _ask_fact(self, talk: Conversation) -> None:
        # Now and then in the other language: the answer follows the question's language.
        lang = talk.language if self.rng.random() < 0.85 else self.rng.choice(LANGUAGES)
        fact = self.rng.choice(self.facts[lang])
        question = varied(self.rng, self._phrasing(fact), lang)
        if self.rng.random() < 0.06 and not fact.answer.startswith("{"):
            request = self.rng.choice(IN_JSON[lang].split("|"))
            answer = json.dumps({"answer": fact.answer}, ensure_ascii=False)
            talk.exchange(f"{question} {request}", answer)
            return
        talk.exchange(question, fact.answer)

    def _phrasing(self, fact: Fact) -> str:
        """One of the phrasings, often in other words, but never a held-out one."""
        text = self.rng.choice(fact.asked)
        if self.rng.random() < 0.5:
            return text
        other = rephrased(self.rng, text, fact.language)
        return text if other in fact.held_out else other

    def _ask_beyond(self, talk: Conversation) -> None:
        lang = talk.language
        if self.rng.random() < 0.55:
            question = varied(self.rng, chatter.beyond(self.rng, lang), lang)
            talk.exchange(question, chatter.UNKNOWN[lang])
            return
        item = memory.draw(self.rng, self.kinds[lang])
        if item.key not in talk.known:
            talk.exchange(item.question(self.rng), chatter.NOT_TOLD[lang])

    def _tell(self, talk: Conversation) -> None:
        rng, lang = self.rng, talk.language
        if len(talk.known) >= 8 + talk.size // 400:
            return
        items = self._learn(talk, rng.choice((1, 1, 1, 2, 3)))
        told = " ".join(item.statement(rng) for item in items)
        text = recased(rng, rng.choice(TELLING[lang]).format(t=told), lang)
        echo = f" {items[0].answer()}" if len(items) == 1 else ""
        talk.add("user", text)
        if rng.random() < 0.25:
            talk.add("assistant", rng.choice(OTHER_NOTED[lang]), is_own=False)
        else:
            talk.add("assistant", NOTED[lang] + echo)
        if rng.random() < 0.25:
            self._recall(talk)

    def _recall(self, talk: Conversation) -> None:
        if talk.name and (not talk.known or self.rng.random() < 0.25):
            self._ask_name(talk)
            return
        if not talk.known:
            self._tell(talk)
        item = self.rng.choice(list(talk.known.values()))
        talk.exchange(item.question(self.rng), item.answer())

    def _echo(self, talk: Conversation) -> None:
        """Something invented to say after the user: copying at its plainest."""
        rng, lang = self.rng, talk.language
        drawn = (rng.choice((words.password, words.digits, words.name)) for _ in range(3))
        text = " ".join([make(rng) for make in drawn][: rng.choice((1, 2, 3))])
        question = rng.choice(ECHO[lang].split("|")).format(t=text)
        talk.exchange(recased(rng, question, lang), text)

    def _speak_of_name(self, talk: Conversation) -> None:
        rng, phrases = self.rng, NAME[talk.language]
        if talk.name is not None or rng.random() < 0.15:
            self._ask_name(talk)
            return
        talk.name = words.name(rng)
        told = rng.choice(phrases["tell"].split("|")).format(n=talk.name)
        talk.exchange(recased(rng, told, talk.language), phrases["ack"].format(n=talk.name))
        if rng.random() < 0.4:
            self._ask_name(talk)

    def _ask_name(self, talk: Conversation) -> None:
        lang, phrases = talk.language, NAME[talk.language]
        known = phrases["answer"].format(n=talk.name)
        question = recased(self.rng, self.rng.choice(phrases["ask"].split("|")), lang)
        talk.exchange(question, known if talk.name else chatter.NOT_TOLD[lang])

    def _ask_json(self, talk: Conversation) -> None:
        rng, lang, keys = self.rng, talk.language, structured.some_keys(self.rng)
        if not (talk.known or talk.name) and rng.random() < 0.3:
            talk.exchange(*structured.request(rng, None, lang, keys))
            return
        someone = structured.person(rng)
        told = structured.told(rng, someone, lang, keys, me=self._is_me(talk, someone))
        question, answer = structured.request(rng, someone, lang, keys)
        if rng.random() < 0.6:
            talk.exchange(f"{told} {question}", answer)
            return
        talk.exchange(told, NOTED[lang])
        if rng.random() < 0.5:
            self._ask_fact(talk)
        talk.exchange(question, answer)

    def _is_me(self, talk: Conversation, someone: structured.Person) -> bool:
        """Whether the person is the user, who must not have said otherwise before."""
        if talk.name is not None or any(kind.startswith("my_") for kind, _ in talk.known):
            return False
        if self.rng.random() < 0.5:
            return False
        talk.name = someone.name
        return True

    def _read_context(self, talk: Conversation) -> None:
        """Text and question in one message, as retrieval sends them."""
        rng, lang = self.rng, talk.language
        items = self._learn(talk, rng.choice((1, 2, 3)))
        item = rng.choice(items)
        text = rng.choice(QUESTION[lang].split("|")).format(
            c=self._document(lang, items, 400), q=item.question(rng)
        )
        talk.exchange(text, item.answer())

    def _prose(self, characters: int) -> list[Piece]:
        """Plain text that says a fact and later says it again: the bare continuation form."""
        rng, lang = self.rng, self.rng.choice(LANGUAGES)
        talk = Conversation(lang)
        items = self._learn(talk, rng.choice((1, 2, 3)))
        parts: list[Piece] = [(f"{item.answer()} ", SIDE) for item in items]
        size = sum(len(text) for text, _ in parts)
        while size < characters:
            text, item = (chatter.filler(rng, lang, rng.choice((0, 1, 1, 2))), rng.choice(items))
            parts += [(f"{text} " if text else "", SIDE), (item.answer(), MAIN), (" ", SIDE)]
            size += len(text) + len(item.answer()) + 2
        return parts
