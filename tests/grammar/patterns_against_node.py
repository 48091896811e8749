# SPDX-License-Identifier: AGPL-3.0-only
"""Compares the patterns of the grammar compiler with Node's regular expressions with the flag u, on
random patterns and random texts. What Node refuses there must be refused, but for what
`strict_pattern.py` says.

    python patterns_against_node.py PROGRAM... [--count N] [--seed N]

PROGRAM reads lines {"pattern": "...", "strings": ["..."]} and answers each with
{"matches": [true, ...]} or {"error": "..."}.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from strict_pattern import strict

NODE = ["node", str(Path(__file__).with_suffix(".mjs"))]
LETTERS = [*"abcA_-10 é\u2028\nß\u00a0😀\U0001d4b3}"]
CLASSES = [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "."]
PROPERTIES = [
    r"\p{L}", r"\p{Lu}", r"\P{Ll}", r"\p{No}", r"\p{Script=Greek}", r"\p{scx=Latin}", r"\p{Emoji}",
    r"\p{ASCII}", r"\p{gc=Nd}", r"\P{White_Space}", r"\p{lu}", r"\p{Foo}", r"\p{L", r"\p",
]  # fmt: skip
ESCAPES = [
    r"\-", r"\_", r"\@", r"\/", r"\.", r"\t", r"\n", r"\x41", r"\u0061", r"\u{61}", r"\cA", r"\0",
    r"\u{1F600}", r"\uD83D\uDE00", r"\x4", r"\u00", r"\c", r"\c1", r"\12", r"\8", r"\a", r"\k",
    r"\1", r"\"", r"\{", r"\}", r"\]", r"\^", r"\$", r"\\", r"\ ", r"\:", r"\Z", r"\A", r"\z",
    r"\e", r"\G",
]  # fmt: skip
ODD = [
    "{", "}", "]", "{,2}", "x{", "{1", "a{1,", "(?<n>a)", "(?=a)", "(?!b)", "(?<=a)", "(?i)", "*",
    ")", "[", "[[:alpha:]]", "[^[:digit:]a]", "(?P<n>a)", "(?>a)", "{1,2,3}", "{ 1}", "{}", "x{1",
]  # fmt: skip
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,}", "{0,2}", "{2,3}", "*?", "+?", "??", "{1,2}?", "{0}"]


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, items: list[str]) -> str:
        return self.random.choice(items)

    def char_class(self) -> str:
        out = "[" + ("^" if self.random.random() < 0.3 else "")
        for _ in range(self.random.randint(0, 4)):
            kind = self.random.random()
            if kind < 0.4:
                out += self.pick([c for c in LETTERS if c != "]"])
            elif kind < 0.6:
                low, high = sorted((self.pick("abcXYZ019"), self.pick("abcXYZ019")))
                out += f"{low}-{high}"
            elif kind < 0.75:
                out += self.pick(CLASSES[:-1])
            elif kind < 0.9:
                out += self.pick([*ESCAPES, r"\b", r"\B", "[", "-", "^", "."])
            else:
                out += self.pick(PROPERTIES)
        return out + "]"

    def atom(self, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.35:
            return self.pick(LETTERS)
        if kind < 0.5:
            return self.pick(CLASSES)
        if kind < 0.65:
            return self.char_class()
        if kind < 0.72:
            return self.pick(ESCAPES)
        if kind < 0.75:
            return self.pick(PROPERTIES)
        if kind < 0.76:
            return self.pick(ODD)
        if depth == 0:
            return self.pick(LETTERS)
        return (
            self.pick(["(", "(?:", "(?:", f"(?<n{self.random.randint(0, 9)}>"])
            + self.pattern(depth - 1)
            + ")"
        )

    def part(self, depth: int) -> str:
        if self.random.random() < 0.2:
            return self.pick(["^", "$", r"\b", r"\B"])
        return self.atom(depth) + (self.pick(QUANTIFIERS) if self.random.random() < 0.4 else "")

    def pattern(self, depth: int) -> str:
        choices = 1 + (self.random.random() < 0.3) + (self.random.random() < 0.1)
        return "|".join(
            "".join(self.part(depth) for _ in range(self.random.randint(0, 4)))
            for _ in range(choices)
        )

    def whole(self) -> str:
        pattern = self.pattern(3)
        kind = self.random.random()
        if kind < 0.4:
            return f"^{pattern}$"
        if kind < 0.45:
            ahead, behind = self.pick(["(?=", "(?!"]), self.pick(["(?<=", "(?<!", "(?:a|"])
            looked = f"{ahead}{self.pattern(1)}){pattern}{behind}{self.pattern(1)})"
            return self.pick([f"^{looked}$", f"^{looked}$|^b", f"^{looked}", f"^.a{looked}.$"])
        if kind < 0.5:
            return f"^(?:{pattern}){self.pick(['{1,40}', '{34}', '{0,50}', '*', '+'])}$"
        return pattern

    def text(self, pattern: str) -> str:
        alphabet = LETTERS + [c for c in pattern if not 0xD800 <= ord(c) < 0xE000]
        return "".join(self.pick(alphabet) for _ in range(self.random.randint(0, 7)))

    def case(self) -> dict:
        pattern = self.whole()
        return {"pattern": pattern, "strings": ["", *(self.text(pattern) for _ in range(19))]}


def answers(command: list[str], cases: list[dict]) -> list[dict]:
    text = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def is_expected_refusal(error: str) -> bool:
    return "is not supported" in error or "too many" in error


def is_outside_of_contract(pattern: str, text: str) -> bool:
    """V8 wrongly finds \\B between the halves of a character beyond U+FFFF."""
    return "\\B" in pattern and (any(ord(c) > 0xFFFF for c in text) or "\\uD83D" in pattern)


def differences(case: dict, ours: dict, nodes: dict) -> list[str]:
    if nodes.get("error") == "timeout":
        return []
    if "error" in ours:
        if "error" in nodes or is_expected_refusal(ours["error"]):
            return []
        return [f"refused: {ours['error']}"]
    if "error" in nodes:
        return [f"accepted; Node: {nodes['error']}"]
    found = []
    for text, our, node in zip(case["strings"], ours["matches"], nodes["matches"], strict=True):
        if is_outside_of_contract(case["pattern"], text):
            continue
        if our != node:
            found.append(f"{text!r}: got {our}, Node {node}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="+")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = Generator(options.seed)
    cases = [generator.case() for _ in range(options.count)]
    ours = answers(options.program, cases)
    nodes = answers(NODE, [{**case, "pattern": strict(case["pattern"])} for case in cases])
    refused = sum("error" in answer for answer in ours)
    lenient = sum(case["pattern"] != strict(case["pattern"]) for case in cases)
    matches = sum(sum(answer.get("matches", [])) for answer in nodes)
    wrong = 0
    for case, our, node in zip(cases, ours, nodes, strict=True):
        found = differences(case, our, node)
        wrong += bool(found)
        if found and wrong <= 20:
            print(f"{case['pattern']!r}: " + "; ".join(found[:3]))
    undecided = sum(answer.get("error") == "timeout" for answer in nodes)
    print(
        f"{len(cases)} patterns, {refused} refused, {lenient} lenient, {matches} matches, "
        f"{undecided} undecided by Node: {wrong} differ"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
