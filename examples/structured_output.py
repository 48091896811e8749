# SPDX-License-Identifier: AGPL-3.0-only
"""Ask a running server for answers of a given form, with the package openai."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import openai

URL = "http://127.0.0.1:16070/v1"
SCHEMA = json.loads(Path(__file__).with_name("person.schema.json").read_text("utf-8"))
LIST = """root ::= item{2,3}
item ::= "- " [a-z] [a-z ]{0,15} ";"
"""


def ask(client: openai.OpenAI, question: str, **options: Any) -> str:
    """One whole answer. An answer that was cut off is no valid one."""
    messages: Any = [{"role": "user", "content": question}]
    answer = client.chat.completions.create(
        model="default", messages=messages, temperature=0, max_tokens=300, **options
    )
    choice = answer.choices[0]
    if (choice.model_extra or {}).get("unfinished"):
        sys.exit("the answer was cut off: raise max_tokens")
    return choice.message.content or ""


def stream(client: openai.OpenAI, question: str, **options: Any) -> str:
    """The same in pieces; the last chunk says if the text is unfinished."""
    messages: Any = [{"role": "user", "content": question}]
    pieces = []
    with client.chat.completions.create(
        model="default", messages=messages, temperature=0, stream=True, **options
    ) as chunks:
        for chunk in chunks:
            for choice in chunk.choices:
                pieces.append(choice.delta.content or "")
                if (choice.model_extra or {}).get("unfinished"):
                    sys.exit("the answer was cut off: raise max_tokens")
    return "".join(pieces)


def main(url: str = URL) -> None:
    # The model does not see a constraint: say in the question what the answer should be.
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
    question = f"Who wrote Frankenstein? Answer as JSON: {json.dumps(SCHEMA['properties'])}"
    print("schema:", ask(client, question, response_format=form))

    pattern = r"\d{4}-\d{2}-\d{2}"
    question = "When was Frankenstein published? Answer as YYYY-MM-DD."
    print("regex:", ask(client, question, extra_body={"guided_regex": pattern}))

    words = ["positive", "neutral", "negative"]
    question = f"Is 'It works!' {', '.join(words)}?"
    print("choice:", ask(client, question, extra_body={"guided_choice": words}))

    question = "List two or three colours, each as '- colour;'."
    print("GBNF:", ask(client, question, extra_body={"grammar": LIST}))

    question = "Ankara Türkiye'nin başkenti mi? evet veya hayır de."
    print("stream:", stream(client, question, extra_body={"guided_choice": ["evet", "hayır"]}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default=URL, help="of the server's OpenAI API")
    try:
        main(**vars(parser.parse_args()))
    except openai.APIConnectionError as error:
        sys.exit(f"no server answers at {error.request.url.copy_with(path='/v1')}")
    except openai.APIStatusError as error:
        sys.exit(error.message)
