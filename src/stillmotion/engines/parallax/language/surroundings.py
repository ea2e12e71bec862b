"""Vocabulary of the surroundings: water, sky, weather, plants, fire and light."""

from typing import Final

from stillmotion.engines.parallax.language.people import GRAIN

STIR: Final = "move~/blow~/drift~/float~/fly~/sway~/flutter~/dance~/flow~/stir~/rustle~/wave~/swing~"
"""Verbs of what wind and water move."""

_LEAVES = "leaf/leaves/tree/trees/foliage/branch/branches/flower/flowers"
_GRASS = "grass/grasses/field/fields/meadow/wheat"

AMBIENT: Final = {
    "ripple": (
        "ripple~/ripples",
        "water",
        "pond",
        "lake",
        "river",
        "reflection/reflections",
        "shimmer~",
        "stream",
        "waterfall/waterfalls/cascade/cascades",
        "water/river/stream/waterfall flow~/run~/pour~/splash~/move~/fall~/falling/cascade~",
        "water/river flow~/run~/pour~ down waterfall/rocks/stream/river",
        "flow~/running/falling/rushing water/river/stream",
    ),
    "waves": (
        "wave~/waves",
        "waves/wave crash~/roll~/break/breaks/breaking/lap~/splash~",
        "ocean",
        "sea",
        "surf",
        "tide",
        "swell~",
    ),
    "clouds": (
        "cloud/clouds",
        "sky",
        "cloud/clouds drift~/pass~/move~/float~",
        "drift~/pass~/move~ cloud/clouds",
        "clouds/cloud move~ sky",
    ),
    "mist": (
        "mist/misty/fog/foggy/haze/hazy",
        "mist/fog/haze drift~/roll~",
        "drift~/roll~ mist/fog/haze",
    ),
    "smoke": (
        "smoke/smoky/steam/steamy/vapor/vapour",
        "smoke/steam/vapor/vapour rise~/rising/drift~/curl~",
        "rise~/rising/drift~/curl~ smoke/steam/vapor/vapour",
    ),
    "wind": (
        "wind/windy",
        "breeze/breezy",
        "gust/gusts",
        "blow~",
        "flutter~",
    ),
    "leaves": (
        _LEAVES,
        f"{_LEAVES} {STIR}",
        "rustle~",
        f"{STIR} {_LEAVES}",
    ),
    "grass": (
        *GRAIN,
        _GRASS,
        f"{_GRASS} {STIR}",
        f"{STIR} {_GRASS}",
    ),
    "fire": (
        "fire",
        "flame/flames",
        "burn~",
        "campfire",
        "fireplace",
        "torch/torches",
        "bonfire",
    ),
    "candle": (
        "candle/candles",
        "candlelight",
        "flicker~",
        "lantern/lanterns",
    ),
    "snow": (
        "snow/snowy",
        "snow~",
        "snowfall",
        "snowflake/snowflakes",
        "blizzard",
    ),
    "rain": (
        "rain/rainy",
        "rain~",
        "rainfall",
        "drizzle~",
        "downpour",
        "raindrop/raindrops",
    ),
    "dust": (
        "dust/dusty",
        "dust in/on light/air/sun/sunlight/sunbeam/sunbeams",
        f"dust/particles/pollen {STIR} in/through light/air/sun/room",
        "particle/particles",
        "pollen",
        "ash/ashes",
        "sparkle~/sparkles",
        "firefly/fireflies",
    ),
    "rays": (
        "light rays/beams/shafts",
        "god rays",
        "sun rays",
        "sunbeam/sunbeams",
        "sunrays",
        "sunlight",
        "shafts/beams/rays light",
    ),
}
"""Phrases by meaning, spelled as in `vocabulary`."""
