"""Downloaded inputs, kept until their generation is over: the crash of a host causes no second download."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

UNFINISHED = ".unfinished"

Fetch = Callable[[str], Awaitable[None]]
"""Writes the file of that name. Raises as `ImageSource.fetch` does."""
IsOver = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """Folder of downloads with a subfolder for each generation. A file there is whole, even after a power cut."""

    root: Path

    async def file(self, generation_id: str, name: str, fetch: Fetch) -> str:
        """Path of the generation's file `name`, downloaded if it is absent. Raises as `fetch` does."""
        path = self.root / generation_id / name
        if await asyncio.to_thread(path.exists):
            return str(path)
        await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(name + UNFINISHED)
        await fetch(str(unfinished))
        await asyncio.to_thread(_keep, unfinished, path)
        return str(path)

    async def forget(self, generation_id: str) -> None:
        """Remove the generation's files, if there are any."""
        await asyncio.to_thread(shutil.rmtree, self.root / generation_id, ignore_errors=True)

    async def sweep(self, is_over: IsOver, held: Collection[str]) -> None:
        """Remove the files of generations that are over, except the held ones. Raises `Unavailable`."""
        for generation_id in await asyncio.to_thread(_names, self.root):
            if generation_id not in held and await is_over(generation_id):
                await self.forget(generation_id)


def _keep(unfinished: Path, path: Path) -> None:
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def _names(root: Path) -> list[str]:
    try:
        return [each.name for each in root.iterdir()]
    except FileNotFoundError:
        return []
