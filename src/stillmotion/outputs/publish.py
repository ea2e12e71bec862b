"""Putting a finished file at its place."""

import shutil
from collections.abc import Callable
from pathlib import Path

from stillmotion.outputs.drafts import Draft
from stillmotion.outputs.places import Output


def put(made: Path, output: Output, stop: Callable[[], bool] = lambda: False) -> Path | None:
    """Copy a file to its place, whole or not at all. Returns and raises as `Draft.publish` does."""
    draft = Draft(output)
    try:
        with draft.trouble(), made.open("rb") as source:
            shutil.copyfileobj(source, draft.file)
        return draft.publish(stop)
    finally:
        draft.abandon()
