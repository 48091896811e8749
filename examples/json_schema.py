# SPDX-License-Identifier: AGPL-3.0-only
"""Get output that follows a JSON schema."""

import argparse
import json
import sys

from sentiric_llama import Engine, SamplingParams, SentiricLlamaError

SCHEMA = {
    "type": "object",
    "properties": {
        "protocol": {"enum": ["http", "grpc", "metrics"]},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    },
    "required": ["protocol", "port"],
    "additionalProperties": False,
}
# With pydantic: SCHEMA = MyModel.model_json_schema()
QUESTION = "Which port does HTTP use?"


def main(model: str = "guide", question: str = QUESTION) -> None:
    with Engine.from_pretrained(model, contexts=1) as engine:
        # The grammar decides what is valid, not what is true: tell the model about the fields too.
        messages = [
            {"role": "system", "content": f"Answer as JSON: {json.dumps(SCHEMA)}"},
            {"role": "user", "content": question},
        ]
        answer = engine.chat(
            messages, SamplingParams(temperature=0), json_schema=SCHEMA, max_tokens=200
        )
    if answer.unfinished:
        sys.exit("the answer was cut off before its JSON was complete: raise max_tokens")
    print(json.dumps(json.loads(answer.text), indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="guide", help="a path or org/repo[:QUANT]")
    parser.add_argument("question", nargs="?", default=QUESTION)
    try:
        main(**vars(parser.parse_args()))
    except SentiricLlamaError as error:
        sys.exit(str(error))
