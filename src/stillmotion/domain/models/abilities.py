"""Abilities of a wire name: all that can be asked of it, by the rules that plan a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stillmotion.domain.camera_concepts import HONOURED
from stillmotion.domain.catalogue import Ability, Catalogue, Entry
from stillmotion.domain.planning import has_concepts, refusals, takes_negative, takes_seed
from stillmotion.domain.request import (
    DEFAULT_MODEL,
    MAX_SECONDS,
    MIN_SECONDS,
    SQUARE,
    AspectRatio,
    FrameSize,
    GenerationRequest,
    Keyframe,
    Resolution,
    frame_size,
)
from stillmotion.domain.subscriptions import Product

CONCEPTS_ABILITY = "concepts"
"""Name of the ability to carry out camera concepts, beside the catalogue's."""
UNLIKE = 0.12
"""Share by which a frame's shape may differ from an asked one and still stand for it."""

_PICTURE, _EARLIER = Keyframe(url="https://picture.example/1.jpg"), Keyframe(id="00000000-0000-7000-8000-000000000000")
_WORDS = "a slow push in"
_ASKED: Mapping[Ability, GenerationRequest] = {
    Ability.FIRST: GenerationRequest(_WORDS, frame0=_PICTURE),
    Ability.LAST: GenerationRequest(_WORDS, frame0=_PICTURE, frame1=_PICTURE),
    Ability.ANY: GenerationRequest(_WORDS, frame1=_PICTURE),
    Ability.EXTEND: GenerationRequest(_WORDS, frame0=_EARLIER),
    Ability.LOOP: GenerationRequest(_WORDS, frame0=_PICTURE, loop=True),
    Ability.TEXT: GenerationRequest(_WORDS),
}
"""The plainest request that needs each ability."""


@dataclass(frozen=True, slots=True)
class ModelAbilities:
    """A wire name: the entries behind it in order, and what a request to it may ask for.

    `native` abilities are a model's own, `emulated` ones have a substitute. `resolutions` and `aspect_ratios` are those
    that make a difference. `concepts` are the camera concepts that it is told.
    """

    name: str
    route: tuple[Entry, ...]
    native: tuple[str, ...]
    emulated: tuple[str, ...]
    resolutions: tuple[Resolution, ...]
    aspect_ratios: tuple[AspectRatio, ...]
    min_seconds: float
    max_seconds: float
    concepts: tuple[str, ...]
    is_default: bool

    @property
    def first(self) -> Entry:
        """The entry that serves where nothing hinders."""
        return self.route[0]

    @property
    def takes_seed(self) -> bool:
        """True where the same seed gives the same clip."""
        return takes_seed(self.first)

    @property
    def takes_negative(self) -> bool:
        """True where a negative prompt has an effect."""
        return takes_negative(self.first)


def abilities_of(catalogue: Catalogue, product: Product, model: str) -> ModelAbilities:
    """The abilities of a wire name, within what a product includes."""
    is_default = model == catalogue.named(DEFAULT_MODEL)
    return abilities_along(model, catalogue.route(model), product, is_default=is_default)


def abilities_along(name: str, route: tuple[Entry, ...], product: Product, *, is_default: bool) -> ModelAbilities:
    """The abilities of entries that serve one after the other, within what a product includes."""
    native, emulated = _natural(route)
    first = route[0]
    shortest = first.frames.nearest(MIN_SECONDS * first.fps) / first.fps
    longest = min(MAX_SECONDS, product.max_seconds or MAX_SECONDS, max(each.longest_seconds for each in route))
    return ModelAbilities(
        name=name,
        route=route,
        native=native,
        emulated=emulated,
        resolutions=_resolutions(first, product),
        aspect_ratios=_shapes(first),
        min_seconds=round(min(max(MIN_SECONDS, shortest), longest), 3),
        max_seconds=round(longest, 3),
        concepts=HONOURED if first.takes_prompt or has_concepts(first) else (),
        is_default=is_default,
    )


def _natural(route: Sequence[Entry]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Abilities that the serving entry has itself, and those that have a substitute there."""
    native: list[str] = []
    emulated: list[str] = []
    for ability, request in _ASKED.items():
        able = next((each for each in route if not refusals(each, request)), None)
        if able is not None:
            (native if _has(able, ability) else emulated).append(ability.value)
    if has_concepts(route[0]):
        native.append(CONCEPTS_ABILITY)
    elif route[0].takes_prompt:
        emulated.append(CONCEPTS_ABILITY)
    return tuple(native), tuple(emulated)


def _has(entry: Entry, ability: Ability) -> bool:
    stands_for = {Ability.FIRST: {Ability.ANY}, Ability.LAST: {Ability.ANY}}.get(ability, set())
    return bool(({ability} | stands_for) & entry.abilities)


def _resolutions(entry: Entry, product: Product) -> tuple[Resolution, ...]:
    """The included resolutions, each of which gives another frame than the one before it."""
    found: dict[FrameSize, Resolution] = {}
    for each in Resolution:
        if product.resolutions is None or each in product.resolutions:
            found.setdefault(entry.sizes.nearest(frame_size(each, AspectRatio.WIDE, SQUARE)), each)
    return tuple(found.values())


def _shapes(entry: Entry) -> tuple[AspectRatio, ...]:
    """The shapes that the entry's frames come near to."""
    made = {each: entry.sizes.nearest(frame_size(Resolution.P720, each, SQUARE)) for each in AspectRatio}
    return tuple(each for each, size in made.items() if abs(size.width / size.height / each.ratio - 1) <= UNLIKE)
