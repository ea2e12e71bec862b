"""Vocabulary of what one picture cannot show: acts of people and animals, journeys of things, changes of the scene."""

from typing import Final

from stillmotion.engines.parallax.language.verbs import forms

AWAY: Final = (
    "away/off/past/by/through/across/toward/towards/along/down/up/into/out/over/to/around/round/onto/home/together"
    "/closer"
)
"""Ways that a traveller may go."""
_PETS = "stretch~/yawn~/pounce~/wag~/lick~/scratch~/sniff~/chew~/gallop~/trot~/swim~/crawl~/graze~/purr~"

CANNOT: Final = {
    "wave": ("wave~", "wave~ goodbye/hello/hi/bye/hand/hands/arm/arms", "give~/gives/giving wave", "hand/hands wave~"),
    "smile": (
        "smile~",
        "smile~ at/into/to/toward/towards camera",
        "grin~",
        "smirk~",
        "beam~ at",
        "frown~",
        "pout~",
        "giggle~",
        "laugh~",
        "chuckle~",
        "cheer~",
        "applaud~",
    ),
    "speak": (
        "speak~/speaking",
        "talk~",
        "whisper~",
        "shout~",
        "scream~",
        "sing~/singing",
        "say/says/saying",
        "mouth words",
        "chat~",
        "yell~",
        "roar~",
        "bark~",
        "meow~",
    ),
    "blink": (
        "blink~",
        "wink~",
        "open~/close~/shut/shuts/shutting eyes/eye/mouth",
        "squint~",
        "eyes open~/close~/flicker~/flutter~",
        "eyelids/eyelid/eyelashes/lashes flutter~/flicker~",
        "flutter~ eyelashes/lashes/eyelids",
    ),
    "cry": ("cry/cries/crying/cried", "weep/weeps/weeping", "sob~", "tear/tears stream~/fall~/roll~/run~/flow~"),
    "jump": (
        "jump~",
        "leap~",
        "skip~",
        "climb~",
        "kneel~",
        "crouch~",
        "sit~/sits/sitting down/up",
        "stand/stands/standing up",
        "fall/falls/falling",
        "stumble~",
        "trip~",
        "collapse~",
    ),
    "leave": (
        "leave/leaves/leaving",
        "leave/leaves/leaving room/house/station/stage/building/frame/scene/port/harbour/harbor/airport",
        "depart~",
        "arrive~",
        "vanish~",
        "disappear~",
    ),
    "gesture": (
        "point/points/pointing",
        "clap~",
        "raise~/lift~ hand/hands/arm/arms/hat/cup/glass",
        "shrug~",
        "hug~",
        "embrace~",
        "kiss/kisses/kissing",
        "blow~ kiss/kisses/bubbles/bubble",
        "blow~ out candle/candles",
        "throw/throws/throwing",
        "catch/catches/catching",
        "grab~",
        "salute~",
    ),
    "act": (
        "eat/eats/eating",
        "drink/drinks/drinking",
        "smoke~",
        "burn~",
        "play~",
        "fight/fights/fighting",
        "write/writes/writing",
        "read/reads/reading",
        "cook~",
        "drive/drives/driving",
        "blow~",
    ),
    "go": (
        f"jog~/ride~/drive~/sail~/cycle~/hike~ {AWAY}",
        "<mover> move~/go~/come~/fly~/float~/drift~/travel~/pass~/glide~/slide~/sail~/drive~/ride~",
        f"<mover> move~/go~/come~/fly~/float~/drift~/travel~/pass~/glide~/slide~/sail~/drive~/ride~ {AWAY}",
        f"<mover> move~/go~/come~/fly~/float~/drift~/drive~/ride~ {AWAY} camera",
        "<mover> take~ off",
        "<mover> land~/launch~/rise~",
        "<mover> rise~ up",
    ),
    "body": (
        _PETS,
        "<mover> spin~/twirl~/whirl~/roll~",
        "twirl~/whirl~/pirouette~/flip~/somersault~",
        "look~ up/down/back/away",
        "lift~/raise~/lower~ head/chin",
        "brush~/comb~/touch~/stroke~/flip~ hair/face",
    ),
    "change": (
        "door/doors/window/windows/gate/box/book/curtain/curtains open~/close~/shut/shuts",
        "open~/close~ door/window/gate/box/book",
        "flower/flowers/bud/buds/tree/trees/plant/plants/rose/roses bloom~/grow~/blossom~/open~/wilt~",
        "bloom~/blossom~",
        "sun/moon set/sets/setting/rise~/go~ down/up",
        "sun/moon set/sets/setting/rise~",
        "day turn~ night",
        "night turn~ day",
        "night fall~",
        "lightning",
        "firework/fireworks",
        "explode~",
        "light/lights turn~ on/off",
        "turn~/morph~/transform~ into",
        "transform~",
    ),
}
"""Phrases by meaning, spelled as in `vocabulary`."""

UNKNOWN_REASON: Final = "no movement is known by these words"
CANNOT_REASON: Final = "everyone and everything stays where it is in the picture: no faces, mouths or limbs move"
TURNED_REASON: Final = "one picture shows no other side: the subject turns a little, no further"
DANCE_REASON: Final = "no more than a sway: arms and legs stay as they are in the picture"
WALK_REASON: Final = "no more than the body's motion in walking, where it is: legs stay as they are in the picture"
ELSEWHERE: Final = (
    "a video model shows such things: on a GPU of your own (docs/howto/models-on-a-gpu.md, `stillmotion models list`) "
    "or on another server (docs/howto/other-servers.md), then `stillmotion generate --server URL --model NAME`"
)
"""The way to have what this engine cannot show."""

_DANCED, _TURNED = frozenset(forms("dance")), frozenset({"around", "round"})


def undone_of(key: str, last: str) -> str | None:
    """The reason why a subject's motion is only in part what was asked for; `last` is its phrase's last word."""
    if key == "turn" and last in _TURNED:
        return TURNED_REASON
    if key == "sway" and last in _DANCED:
        return DANCE_REASON
    return WALK_REASON if key == "walk" else None
