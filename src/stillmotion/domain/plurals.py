"""Numbers with their nouns, for sentences."""


def plural(count: float, one: str, many: str = "") -> str:
    """The number with its noun: "1 clip", "2 clips", "1,000 clips".

    `many` is the form for other numbers than one, `one` with an s if left out. Both may go on with a verb.
    """
    number = f"{count:,}" if isinstance(count, int) else f"{count:g}"
    return f"{number} {one if count == 1 else many or one + 's'}"
