"""Catalogue: the models, their abilities, and the wire names that stand for them.

An entry holds everything known of a model before it is loaded or called. Its facts come from the model's own card and
pipeline; `source` names them.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stillmotion.domain.errors import StillmotionError
from stillmotion.domain.request import FrameSize

FREE_LICENCES = frozenset({"Apache-2.0", "MIT"})
"""SPDX ids of licences without terms for a service's operator. Every other one must be accepted by name."""


EMBEDDED = "parallax/1"
"""Name of the embedded engine in generations."""


class CatalogueError(StillmotionError):
    """Wrong entry or alias, the operator's to mend. The message names it and the remedy."""


class EngineKind(StrEnum):
    """The engines of this package, by the names that entries have for them."""

    PARALLAX = "parallax"
    DIFFUSERS = "diffusers"
    FORWARD = "forward"


class Ability(StrEnum):
    """Native ability of a model. A missing one may be emulated, which `planning.plan` reports.

    `first` starts from a picture alone; `last` goes from a first picture to a last one; `any` takes a picture at any
    place, alone or with others; `extend` carries a clip's motion on; `loop` ends where it began; `text` needs no
    picture.
    """

    FIRST = "first"
    LAST = "last"
    ANY = "any"
    EXTEND = "extend"
    LOOP = "loop"
    TEXT = "text"


class Dialect(StrEnum):
    """Protocol of another server."""

    OPENAI = "openai"
    DREAM_MACHINE = "dream-machine"
    COMFYUI = "comfyui"


@dataclass(frozen=True, slots=True)
class SizeRule:
    """Frame sizes of a model, in pixels.

    Either exactly those `listed`, or sides that are multiples of `step` with an area between `least` and `most`.
    """

    step: int = 2
    least: int = 4
    most: int = 4096 * 4096
    listed: tuple[tuple[int, int], ...] = ()

    def nearest(self, asked: FrameSize) -> FrameSize:
        """Legal size nearest to the asked one in shape, then in area."""
        if self.listed:
            return FrameSize(*min(self.listed, key=lambda each: _unlike(each, asked)))
        ratio = asked.width / asked.height
        area = min(max(asked.width * asked.height, self.least), self.most)
        ideal = math.sqrt(area * ratio), math.sqrt(area / ratio)
        sides = ([self.step * max(1, each(side / self.step)) for each in (math.floor, math.ceil)] for side in ideal)
        across, down = sides
        legal = [(width, height) for width in across for height in down if self.least <= width * height <= self.most]
        # Rounding can leave the bounds where they are narrower than a step: then the smallest block is what there is.
        width, height = min(legal or [(across[0], down[0])], key=lambda each: _unlike(each, asked, area))
        return FrameSize(width, height)


def _unlike(size: tuple[int, int], asked: FrameSize, area: float | None = None) -> float:
    """Distance of a size from the asked one: log ratios, with shape weighted four times as much as area."""
    width, height = size
    shape = abs(math.log((width / height) / (asked.width / asked.height)))
    return 4 * shape + abs(math.log(width * height / (area or asked.width * asked.height)))


@dataclass(frozen=True, slots=True)
class FrameRule:
    """Frame counts of a model: exactly those `listed`, or `step` × n + `offset` from `least` to `most`."""

    step: int = 1
    offset: int = 0
    least: int = 2
    most: int = 3600
    listed: tuple[int, ...] = ()

    def nearest(self, frames: float) -> int:
        """Legal count nearest to the asked one; the larger of two equally near ones."""
        if self.listed:
            frames = min(max(frames, min(self.listed)), max(self.listed))
            return min(self.listed, key=lambda each: (abs(each - frames), -each))
        first = self.offset + self.step * math.ceil((self.least - self.offset) / self.step)
        last = self.offset + self.step * math.floor((self.most - self.offset) / self.step)
        frames = min(max(frames, first), last)
        below = self.offset + self.step * math.floor((frames - self.offset) / self.step)
        return below if frames - below < below + self.step - frames else below + self.step

    @property
    def longest(self) -> int:
        """Largest legal count."""
        return self.nearest(math.inf if self.listed else self.most)


@dataclass(frozen=True, slots=True)
class Server:
    """Another server that makes the clips. `in_flight` is the most generations that it gets at once.

    `model` is the model's name there, where its protocol has one. `graph` is the file of a ComfyUI workflow in API
    form, whose slots are named in its nodes' titles.
    """

    speaks: Dialect
    url: str
    key: str = field(default="", repr=False)
    in_flight: int = 1
    model: str = ""
    graph: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model. `engine` is an `EngineKind`, or the name of an engine that an installed package brings.

    `weights` is a local folder; `hub` an id to load by where that is allowed; `family` chooses the code. `licence` is
    an SPDX id, or the name by which the licence is accepted; `territory` names the places where it forbids use.
    `memory_gb` is the GPU memory that the model takes with the defaults here. `options` are for the engine alone.
    """

    name: str
    engine: str
    abilities: frozenset[Ability]
    summary: str = ""
    family: str = ""
    weights: str = ""
    hub: str = ""
    licence: str = ""
    territory: str = ""
    sizes: SizeRule = SizeRule()
    frames: FrameRule = FrameRule()
    fps: int = 24
    steps: int = 0
    guidance: float = 0.0
    dtype: str = "bfloat16"
    memory_gb: float = 0.0
    takes_prompt: bool = True
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    server: Server | None = None
    source: str = ""

    @property
    def engine_name(self) -> str:
        """The name in the header X-Stillmotion-Engine, and of the generation's row."""
        return EMBEDDED if self.engine == EngineKind.PARALLAX else f"{self.engine}/{self.name}"

    @property
    def is_outside(self) -> bool:
        """True for an engine that an installed package brings (`engines.installed`)."""
        return self.engine not in frozenset(EngineKind)

    @property
    def is_local(self) -> bool:
        """True for a model of this machine that has renderers for its engine alone."""
        return self.engine == EngineKind.DIFFUSERS or self.is_outside

    @property
    def must_be_accepted(self) -> bool:
        """True where the operator must accept the licence by name."""
        return bool(self.licence) and self.licence not in FREE_LICENCES

    def check_licence(self, accepted: frozenset[str]) -> None:
        """Raise `CatalogueError` where the licence was not accepted."""
        if self.must_be_accepted and self.licence not in accepted:
            where = f" It may not be used in: {self.territory}." if self.territory else ""
            raise CatalogueError(
                f"The model {self.name} is under {self.licence}, which is not a free licence: read it, then "
                f"add {self.licence} to the setting accepted_licences.{where}"
            )

    @property
    def longest_seconds(self) -> float:
        """Seconds of the longest clip that it makes."""
        return self.frames.longest / self.fps


_DATE = re.compile(r"-20\d\d-?[01]\d(?:-?[0-3]\d)?$", re.ASCII)
_ZEROS = re.compile(r"(?<=\d)(?:\.0)+(?=-|$)", re.ASCII)
LONGEST_NAME = 200
"""Most characters of a wire name that are compared."""


def _plain(name: str) -> str:
    """Canonical form of a wire name: spellings of one name share it."""
    undated = _DATE.sub("", name[:LONGEST_NAME].strip().lower().replace("_", "-"))
    return _ZEROS.sub("", undated).replace(".", "-")


@dataclass(frozen=True, slots=True)
class Default:
    """Entry for a GPU with at least `memory_gb`, and less than the next default's."""

    memory_gb: float
    model: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The entries by name, and for each wire name its route: entries in order, of which the first able one serves.

    `defaults` are in the order of their memory.
    """

    entries: Mapping[str, Entry]
    aliases: Mapping[str, tuple[str, ...]]
    defaults: tuple[Default, ...] = ()

    def __post_init__(self) -> None:
        for model, names in self.aliases.items():
            for name in names:
                self._check_named(f"The model {model} stands for", name)
        for each in self.defaults:
            self._check_named(f"The default from {each.memory_gb:g} GB on is", each.model)

    def _check_named(self, what: str, name: str) -> None:
        if name not in self.entries:
            there = ", ".join(sorted(self.entries))
            raise CatalogueError(f"{what} {name}, which is no entry. There are: {there}.")

    @property
    def models(self) -> tuple[str, ...]:
        """All wire names."""
        return tuple(self.aliases)

    def named(self, spelling: str) -> str | None:
        """Wire name of a spelling; None for an unknown one.

        A name may be written with a date behind it, in capitals, and with dots or underscores for hyphens:
        `sora-2-2025-12-08`, `ray-1.6`. A version's last zero may be written (`ray-2.0`). A name as it is comes first.
        """
        if spelling in self.aliases:
            return spelling
        plain = _plain(spelling)
        return next((model for model in self.aliases if _plain(model) == plain), None)

    def route(self, model: str) -> tuple[Entry, ...]:
        """Route of a wire name: its entries, in order."""
        return tuple(self.entries[name] for name in self.aliases[model])

    def has_stand_in(self, entry: Entry) -> bool:
        """True where another entry follows this one in some route."""
        return any(entry.name in route[:-1] for route in self.aliases.values())

    def offered(self) -> Iterator[Entry]:
        """Entries of all routes, each once."""
        names = dict.fromkeys(name for route in self.aliases.values() for name in route)
        return (self.entries[name] for name in names)

    def default_for(self, memory_gb: float) -> Entry | None:
        """Default entry for a GPU with `memory_gb`; None if that is too little for any."""
        fitting = [each.model for each in self.defaults if each.memory_gb <= memory_gb]
        return self.entries[fitting[-1]] if fitting else None

    def fitting(self, memory_gb: float) -> Iterator[Entry]:
        """Entries that fit into `memory_gb`: the default first, then by falling need.

        Entries of unknown need are left out, as are those that use no GPU of this machine.
        """
        default = self.default_for(memory_gb)
        needing = [each for each in self.entries.values() if 0 < each.memory_gb <= memory_gb and each is not default]
        yield from () if default is None else (default,)
        yield from sorted(needing, key=lambda each: -each.memory_gb)

    def check_licences(self, accepted: frozenset[str]) -> None:
        """Raise `CatalogueError` for an offered model whose licence was not accepted."""
        for entry in self.offered():
            entry.check_licence(accepted)
