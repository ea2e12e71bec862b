"""Conjugation of regular English verbs."""

from itertools import product

_VOWELS = frozenset("aeiou")


def forms(verb: str) -> tuple[str, ...]:
    """Forms of a regular verb: move, moves, moving, moved. The agent noun (mover) is left out."""
    stems = {verb}
    if verb.endswith("e"):
        return verb, verb + "s", verb[:-1] + "ing", verb + "d"
    # carry, carries, carried.
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return verb, verb[:-1] + "ies", verb + "s", verb + "ing", verb[:-1] + "ied"
    if len(verb) > 2 and verb[-1] not in _VOWELS | set("wxy") and verb[-2] in _VOWELS and verb[-3] not in _VOWELS:
        # A single consonant after a single vowel is doubled: panning.
        stems.add(verb + verb[-1])
    plural = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")
    return verb, plural, *(stem + ending for stem, ending in product(sorted(stems), ("ing", "ed")))
