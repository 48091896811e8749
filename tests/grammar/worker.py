# SPDX-License-Identifier: AGPL-3.0-only
"""Runs the cases whose numbers it reads, one a line, and writes a report for each."""

from __future__ import annotations

import json
import resource
import sys

from grammar.case import Case
from grammar.judge import Judges
from grammar.random_schemas import random_schema
from grammar.second_generator import second_values

MAX_MEMORY = 4 << 30
SECOND = 25  # every so many cases, because hypothesis is slow


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    with Judges() as judges:
        for line in sys.stdin:
            number = int(line)
            dialect, schema = random_schema(number)
            values = second_values(number, dialect, schema) if number % SECOND == 0 else []
            report = Case(number, dialect, schema, judges).run(values)
            print(json.dumps(report.as_json()), flush=True)


if __name__ == "__main__":
    main()
