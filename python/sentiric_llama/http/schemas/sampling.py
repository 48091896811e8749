# SPDX-License-Identifier: AGPL-3.0-only
"""The sampling parameters of a request, with the ranges of `types.ranges`."""

from __future__ import annotations

from typing import Annotated, Any

from sentiric_llama.http.schemas.body import Body, CheckedBy, InRange
from sentiric_llama.types.ranges import (
    BIAS,
    INT32_MAX,
    MAX_DRY_BREAKER_BYTES,
    MAX_DRY_BREAKERS,
    MAX_LOGIT_BIAS,
    SAMPLING_ALIASES,
    SAMPLING_RANGES,
    parse_breakers,
    parse_logit_bias,
    parse_seed,
)

R = SAMPLING_RANGES
_STRINGS = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": MAX_DRY_BREAKER_BYTES},
    "maxItems": MAX_DRY_BREAKERS,
}
_BIAS_OF_ONE = {"type": "number", "minimum": BIAS.low, "maximum": BIAS.high}
_BIAS = {
    "anyOf": [
        {
            "type": "object",
            "patternProperties": {
                "^(0|[1-9][0-9]{0,8})$": {"anyOf": [_BIAS_OF_ONE, {"const": False}]}
            },
            "additionalProperties": False,
            "maxProperties": MAX_LOGIT_BIAS,
        },
        {
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [
                    {"type": "integer", "minimum": 0, "maximum": INT32_MAX},
                    {"anyOf": [_BIAS_OF_ONE, {"const": False}]},
                ],
                "minItems": 2,
                "maxItems": 2,
            },
            "maxItems": MAX_LOGIT_BIAS,
        },
    ],
    "description": '{"id": bias} or [[id, bias]]; false bans the token',
}


class SamplingFields(Body):
    """All optional. The default of each is the setting of the same name."""

    temperature: Annotated[float | None, InRange(R["temperature"])] = None
    top_k: Annotated[int | None, InRange(R["top_k"])] = None
    top_p: Annotated[float | None, InRange(R["top_p"])] = None
    min_p: Annotated[float | None, InRange(R["min_p"])] = None
    typical_p: Annotated[float | None, InRange(R["typical_p"])] = None
    typ_p: Annotated[float | None, InRange(R["typical_p"])] = None
    repeat_penalty: Annotated[float | None, InRange(R["repeat_penalty"])] = None
    repetition_penalty: Annotated[float | None, InRange(R["repeat_penalty"])] = None
    presence_penalty: Annotated[float | None, InRange(R["presence_penalty"])] = None
    frequency_penalty: Annotated[float | None, InRange(R["frequency_penalty"])] = None
    repeat_last_n: Annotated[int | None, InRange(R["repeat_last_n"])] = None
    dry_multiplier: Annotated[float | None, InRange(R["dry_multiplier"])] = None
    dry_base: Annotated[float | None, InRange(R["dry_base"])] = None
    dry_allowed_length: Annotated[int | None, InRange(R["dry_allowed_length"])] = None
    dry_penalty_last_n: Annotated[int | None, InRange(R["dry_penalty_last_n"])] = None
    dry_sequence_breakers: Annotated[
        tuple[str, ...] | None, CheckedBy(parse_breakers, _STRINGS)
    ] = None
    xtc_probability: Annotated[float | None, InRange(R["xtc_probability"])] = None
    xtc_threshold: Annotated[float | None, InRange(R["xtc_threshold"])] = None
    dynatemp_range: Annotated[float | None, InRange(R["dynatemp_range"])] = None
    dynatemp_exponent: Annotated[float | None, InRange(R["dynatemp_exponent"])] = None
    mirostat: Annotated[int | None, InRange(R["mirostat"])] = None
    mirostat_tau: Annotated[float | None, InRange(R["mirostat_tau"])] = None
    mirostat_eta: Annotated[float | None, InRange(R["mirostat_eta"])] = None
    seed: Annotated[int | None, InRange(R["seed"])] = None
    logit_bias: Annotated[dict[int, float] | None, CheckedBy(parse_logit_bias, _BIAS)] = None

    def sampling(self) -> dict[str, Any]:
        """The fields of `SamplingParams` that were sent. The proper name wins over its alias."""
        given = {name: getattr(self, name) for name in self.model_fields_set & _NAMES}
        for alias, name in SAMPLING_ALIASES.items():
            if alias in given:
                given.setdefault(name, given.pop(alias))
        if "seed" in given:
            given["seed"] = parse_seed(given["seed"])
        return given


_NAMES = frozenset(SamplingFields.model_fields)
