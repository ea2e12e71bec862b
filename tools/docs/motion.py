"""The reference of the words that move a picture."""

import re

from stillmotion.engines.parallax.effects.flicker import FLICKERS
from stillmotion.engines.parallax.effects.overlays import VEILS
from stillmotion.engines.parallax.effects.weather import WEATHER
from stillmotion.engines.parallax.language.moves import APPROXIMATED
from stillmotion.engines.parallax.language.vocabulary import ENGLISH, UNDIRECTED, Term, TermKind
from stillmotion.engines.parallax.motion.subject import MOTIONS
from stillmotion.engines.parallax.motion.waves import REGIONS
from tools.docs.markdown import literal, table


def camera_words() -> str:
    """Every camera move with its phrases."""
    rows = [(literal(each.key), _words(each), _how_it_goes(each.key)) for each in _of(TermKind.CAMERA)]
    return table(("Move", "Words", ""), rows)


def other_words() -> str:
    """Every word that is no camera move."""
    kinds = {TermKind.SUBJECT: "subject", TermKind.AMBIENT: "surroundings", TermKind.MODIFIER: "how"}
    kinds |= {TermKind.THEN: "one after the other", TermKind.LOOP: "the whole clip", TermKind.NOT: "not what follows"}
    kinds |= {TermKind.WHO: "which person", TermKind.CANNOT: "people", TermKind.NOTHING: "together"}
    rows = [
        (kinds[each.kind], literal(each.key), _words(each), _condition(each)) for kind in kinds for each in _of(kind)
    ]
    return table(("About", "Meaning", "Words", ""), rows)


def _of(kind: TermKind) -> list[Term]:
    return [each for each in ENGLISH.entries if each.kind is kind]


def _words(entry: Term) -> str:
    """The phrases as a person reads them: `push~ in` is "push in", in every form of the verb."""
    plain = (re.sub(r"[<>~]", "", phrase) for phrase in entry.phrases)
    unmixed = (" / ".join(dict.fromkeys(phrase.split("/"))) for phrase in plain)
    return ", ".join(dict.fromkeys(unmixed))


def _how_it_goes(key: str) -> str:
    if key in APPROXIMATED:
        return "suggested: one still has no more to show"
    return "the picture decides the direction" if key in UNDIRECTED else ""


def _condition(entry: Term) -> str:
    """The words that let a thing move, from the engine's own tables."""
    if entry.kind is TermKind.CANNOT:
        return "understood, and said not to be done: one picture does not show it"
    if entry.kind is TermKind.NOTHING:
        return "moves nothing"
    if entry.kind not in (TermKind.SUBJECT, TermKind.AMBIENT):
        return ""
    if entry.key in REGIONS or entry.key in FLICKERS:
        return "where it is found in the picture"
    return "" if entry.key in {*MOTIONS, *WEATHER, *VEILS} else "understood, but this engine cannot move it yet"
