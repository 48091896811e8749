# SPDX-License-Identifier: AGPL-3.0-only
"""The catalogue, in the order of the table."""

from __future__ import annotations

from benchmarks.scenario import Scenario
from benchmarks.scenarios.bodies import Bodies
from benchmarks.scenarios.decoding import (
    Json,
    SamplingHttp,
    SamplingInProcess,
    Single,
    SingleInProcess,
)
from benchmarks.scenarios.gpu import Gpu1b, Gpu8b
from benchmarks.scenarios.grammar_streams import GrammarsBeside, GrammarsOfRecords
from benchmarks.scenarios.growth import GrowthContexts, GrowthPrompt, GrowthVocabulary
from benchmarks.scenarios.isolation import ISOLATION
from benchmarks.scenarios.load import (
    FewDescriptors,
    IdleConnections,
    KeptAlive,
    Overload2,
    Overload10,
)
from benchmarks.scenarios.prefixes import Distinct, Interfere, Shared, Turns, TurnsCrowded
from benchmarks.scenarios.process import ColdStart, HttpEvents, Memory
from benchmarks.scenarios.speculation import Copy, Draft, Neutral
from benchmarks.scenarios.strangers import Strangers

CATALOGUE: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Single(),
        SingleInProcess(),
        Distinct(),
        Shared(),
        Interfere(),
        Turns(),
        TurnsCrowded(),
        SamplingHttp(),
        SamplingInProcess(),
        Json(),
        GrammarsBeside(),
        GrammarsOfRecords(),
        Copy(),
        Draft(),
        Neutral(),
        ColdStart(),
        Memory(),
        HttpEvents(),
        GrowthContexts(),
        GrowthPrompt(),
        GrowthVocabulary(),
        Gpu1b(),
        Gpu8b(),
        KeptAlive(),
        Overload2(),
        Overload10(),
        IdleConnections(),
        FewDescriptors(),
        Bodies(),
        Strangers(),
        *ISOLATION,
    )
}
