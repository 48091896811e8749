# SPDX-License-Identifier: AGPL-3.0-only
"""Our side of patterns_against_node.py: patterns as a JSON schema finds them in JSON strings."""

import json
import sys

from sentiric_llama._host import Grammar, Matcher
from sentiric_llama.errors import SentiricLlamaError


def matches(grammar: Grammar, text: str) -> bool:
    raw = json.dumps(text, ensure_ascii=False).encode()
    matcher = Matcher(grammar)
    return matcher.advance(raw) == len(raw) and matcher.can_end


def answer(case: dict) -> dict:
    try:
        grammar = Grammar.json_schema(json.dumps({"type": "string", "pattern": case["pattern"]}))
    except SentiricLlamaError as error:
        if "no value is valid" in error.what:
            return {"matches": [False] * len(case["strings"])}
        return {"error": str(error)}
    return {"matches": [matches(grammar, text) for text in case["strings"]]}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
