# SPDX-License-Identifier: AGPL-3.0-only
"""One operation on the page: what it takes, what it answers, how it refuses, an example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sentiric_llama.http.documentation.kinds import described, place_of, words_of
from sentiric_llama.http.documentation.markup import Markup, code, element, joined, link
from sentiric_llama.http.documentation.samples import Schemas, named, sample

JSON, EVENTS = "application/json", "text/event-stream"
ADDRESS = "http://127.0.0.1:16070"

Json = Mapping[str, Any]
_NAME = re.compile(r"{(\w+)}")


class Operations:
    """Writes the operations of one document."""

    def __init__(self, document: Json) -> None:
        self._schemas: Schemas = document["components"]["schemas"]
        self._responses: Json = document["components"]["responses"]

    def write(self, method: str, path: str, operation: Json) -> Markup:
        """The operation, folded; its summary tells what it is for."""
        head = element(
            "summary",
            element("span", method.upper(), class_=f"method {method}"),
            element("code", path),
            element("span", operation["summary"], class_="about"),
        )
        parts = [
            element("p", _access(operation), class_="access"),
            *self._parameters(operation),
            *self._body(operation),
            *self._answers(operation),
            *self._refusals(operation),
            *self._example(method, path, operation),
        ]
        inner = element("div", *parts, id=operation["operationId"])
        return element("details", head, inner, class_="operation")

    def _parameters(self, operation: Json) -> Iterator[Markup]:
        if found := operation.get("parameters"):
            fields = {each["name"]: each["schema"] for each in found}
            yield element("h4", "In the path")
            yield described({"properties": fields, "required": list(fields)})

    def _body(self, operation: Json) -> Iterator[Markup]:
        if body := operation.get("requestBody"):
            yield element("h4", "Body")
            yield described(self._schemas[named(body["content"][JSON]["schema"]["$ref"])])

    def _answers(self, operation: Json) -> Iterator[Markup]:
        if "200" in operation["responses"]:
            yield element("h4", "Answer")
        for kind, content in operation["responses"].get("200", {}).get("content", {}).items():
            what = {JSON: "JSON", EVENTS: "Server-sent events"}.get(kind, kind)
            has_words = content["schema"].keys() & {"$ref", "anyOf"}
            told = [": ", words_of(content["schema"])] if has_words else []
            yield element("p", what, *told)

    def _refusals(self, operation: Json) -> Iterator[Markup]:
        rows = []
        for status, response in operation["responses"].items():
            if status == "200":
                continue
            known = self._responses[named(response["$ref"])] if "$ref" in response else response
            text = known["description"]
            told = words_of(known["content"][JSON]["schema"])
            rows.append(
                element("div", element("dt", code(status)), element("dd", text, " · ", told))
            )
        yield element("details", element("summary", "Refusals and failures"), element("dl", *rows))

    def _example(self, method: str, path: str, operation: Json) -> Iterator[Markup]:
        yield element("h4", "Example")
        words = [f"curl {ADDRESS}{_NAME.sub(lambda name: name[1].upper(), path)}"]
        if method not in ("get", "post"):
            words[0] = words[0].replace("curl", f"curl -X {method.upper()}")
        if body := operation.get("requestBody"):
            shown = json.dumps(self._sample(body["content"][JSON]), ensure_ascii=False)
            quoted = shown.replace("'", "'\\''")
            words += ["-H 'Content-Type: application/json'", f"-d '{quoted}'"]
        elif method == "post":
            words[0] = words[0].replace("curl", "curl -X POST")
        yield element("pre", code(" \\\n  ".join(words)), tabindex="0")
        answer = operation["responses"].get("200", {}).get("content", {}).get(JSON)
        if answer and answer["schema"].keys() & {"$ref", "anyOf"}:
            text = json.dumps(self._sample(answer), ensure_ascii=False, indent=2)
            yield element("pre", code(text), tabindex="0")

    def _sample(self, content: Json) -> Any:
        return sample(content["schema"], self._schemas)

    def schema(self, name: str) -> Markup:
        """A schema that operations refer to, folded."""
        about = described(self._schemas[name])
        inner = element("div", about, id=place_of(name))
        return element("details", element("summary", code(name)), inner, class_="schema")


def _access(operation: Json) -> Markup:
    """Who may ask."""
    roles = operation["x-roles"]
    if not roles:
        return joined("Public: needs no key.")
    return joined("Where keys are set, needs one with the role ", " or ".join(roles), ".")


def entry(method: str, path: str, operation: Json) -> Markup:
    """A line of the contents."""
    return element("li", link(f"{method.upper()} {path}", f"#{operation['operationId']}"))
