# SPDX-License-Identifier: AGPL-3.0-only
"""What a scenario is: sides that are measured in turn, and figures that compare them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from benchmarks import models
from benchmarks.prompts import Writer
from benchmarks.servers import Flags, Server, start_ours, start_peer
from benchmarks.shapes import LARGE, SHAPES, ModelSpec
from benchmarks.vocabulary import words_of

Size = Literal["quick", "standard", "spec"]
SIZES: tuple[Size, ...] = ("quick", "standard", "spec")
Metrics = dict[str, float]
Round = dict[str, Metrics]
"""One pair: side -> what was measured on it."""

OURS, PEER = "ours", "llama-server"


class WrongCount(Exception):
    """A request was answered, but not with the tokens that were asked for."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: `ours` divided by `other` (or less it), pair by pair.

    Both are `side.metric`; without `other` it is `ours` itself. `goal` is `>= 1.05`, `<= 0.2` or
    empty.
    """

    label: str
    unit: str
    ours: str
    other: str = ""
    goal: str = ""
    difference: bool = False


def compare(label: str, unit: str, metric: str, goal: str = "") -> Figure:
    """Ours against llama-server in one metric."""
    return Figure(label, unit, f"{OURS}.{metric}", f"{PEER}.{metric}", goal)


def sizes(
    standard: dict[str, Any],
    quick: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
) -> Mapping[Size, Mapping[str, Any]]:
    """The parameters of a scenario; `quick` and `spec` name only what differs."""
    return {"standard": standard, "quick": quick or {}, "spec": spec or {}}


@dataclass(frozen=True, slots=True)
class OtherBuild:
    """This package as another interpreter has it: `name` in the tables, often a commit."""

    name: str
    python: str


@dataclass(frozen=True, slots=True)
class Run:
    """The choices of one command."""

    size: Size = "standard"
    pairs: int = 5
    threads: int = 1
    device: str = "cpu"
    seed: int = 0
    big: ModelSpec | None = None
    """Replaces the large model of a scenario."""
    against: OtherBuild | None = None
    """Takes llama-server's place."""
    progress: Callable[[str], None] = lambda _text: None


class Side(Protocol):
    """Something to measure. Pausing leaves the machine to the others."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Idle:
    """A side that does nothing until it is measured."""

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass


class Scenario(ABC):
    """One row of the catalogue. `loads` holds its parameters for each size."""

    name: ClassVar[str]
    title: ClassVar[str]
    figures: ClassVar[Sequence[Figure]]
    loads: ClassVar[Mapping[Size, Mapping[str, Any]]]
    default_pairs: ClassVar[int] = 0
    """0 is the run's number of pairs; growth curves need fewer."""
    curve: ClassVar[tuple[str, str]] = ("", "")
    """Labels of x and y when the metrics' names are points of a curve."""
    devices: ClassVar[tuple[str, ...]] = ("cpu",)

    def load(self, run: Run) -> Mapping[str, Any]:
        """The parameters of this run."""
        return {**self.loads["standard"], **self.loads[run.size]}

    @abstractmethod
    def spec(self, run: Run) -> ModelSpec:
        """The model that is measured."""

    @abstractmethod
    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        """Starts all sides, warmed up; `stack` ends them."""

    @abstractmethod
    def measure(self, side: Any, run: Run, number: int) -> Metrics:
        """One measurement of one side; `number` is the pair's."""

    def check(self, rounds: Sequence[Round]) -> None:
        """Raises WrongCount when the same text was not the same number of tokens on all sides."""
        for sides in rounds:
            counts = {side: metrics.get("prompt_tokens") for side, metrics in sides.items()}
            if len(set(counts.values())) > 1:
                raise WrongCount(f"prompt tokens differ between the sides: {counts}")

    def model(self, run: Run) -> Path:
        return models.model(self.spec(run))

    def prepare(self, run: Run) -> None:
        """Makes the model files."""
        self.model(run)

    def writer(self, run: Run, number: int) -> Writer:
        """Prompts of this pair: the same for both sides, new for every pair."""
        return Writer(words_of(self.spec(run).shape), seed=run.seed * 1000 + number)


class HttpScenario(Scenario):
    """Our server and llama-server with the same flags."""

    contexts: ClassVar[int] = 8
    context_size: ClassVar[int] = 4096
    quick_model: ClassVar[ModelSpec] = ModelSpec("quick")
    big_model: ClassVar[ModelSpec] = ModelSpec(LARGE)

    def spec(self, run: Run) -> ModelSpec:
        return choose_model(run, self.quick_model, self.big_model)

    def flags(self, run: Run) -> Flags:
        size = self.contexts, self.context_size
        return Flags(self.model(run), *size, run.threads, run.device)

    def sides(self, stack: ExitStack, run: Run) -> dict[str, Side]:
        flags = self.flags(run)
        return enter_servers(stack, both_sides(run, flags), self.contexts)

    @abstractmethod
    def measure(self, side: Server, run: Run, number: int) -> Metrics: ...


def both_sides(run: Run, flags: Flags) -> dict[str, Server]:
    """Ours and what it is compared with."""
    ours, other = start_ours(flags), run.against
    if other is None:
        return {OURS: ours, PEER: start_peer(flags)}
    return {OURS: ours, other.name: start_ours(flags, other.name, other.python)}


def against_build(figure: Figure, build: OtherBuild) -> Figure:
    """The figure with another build in llama-server's place, and without its goal."""
    return replace(figure, other=figure.other.replace(PEER, build.name), goal="")


def choose_model(run: Run, quick: ModelSpec, big: ModelSpec) -> ModelSpec:
    """Of the run's size. `--model` replaces the large model, where it can be wired as wanted."""
    if run.size == "quick":
        return quick
    if run.big is None or big.shape != LARGE:
        return big
    if big.wiring != "random" and SHAPES[run.big.shape].architecture != "qwen2":
        return big
    return ModelSpec(run.big.shape, run.big.type, big.wiring)


def enter_servers(stack: ExitStack, servers: dict[str, Server], streams: int) -> dict[str, Side]:
    """All of them ready and warm, each paused."""
    for server in servers.values():
        stack.enter_context(server)
    for server in servers.values():
        server.wait_ready().warm_up(streams)
        server.pause()
    return dict(servers)
