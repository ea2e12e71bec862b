"""Tiny models on disk, made once a run, and limits for torch."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a tiny model. It is made at the first call."""
    import torch  # noqa: PLC0415 - of an extra

    from tests.engines.diffusers.tiny import SAVED  # noqa: PLC0415 - it imports torch

    # Synchronization of threads costs more than such small models take.
    torch.set_num_threads(1)
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = SAVED[name](tmp_path_factory.mktemp(name))
        return made[name]

    return folder
