"""Runners of commands in processes of their own, over a data directory or in a folder with pictures."""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stillmotion.cli.sample_picture import draw_sample
from stillmotion.composition.administration import administration
from stillmotion.config import Settings
from tests import forked
from tests.clients.contract_server import contract_server
from tests.end_to_end.conftest import clean_environment, make_running, running

__all__ = ["make_running", "running"]

SMALL = ["--resolution", "540p", "--seconds", "1"]
COMMAND = [sys.executable, "-m", "stillmotion"]


@dataclass
class Commands:
    """Runner of `stillmotion` over one data directory."""

    directory: Path

    def run(self, *words: str, code: int = 0, data_dir: bool = True) -> str:
        """Standard output, or standard error if the command is expected to fail."""
        own = ("--data-dir", str(self.directory)) if data_dir else ()
        ended, out, err = forked.ended([*words, *own], clean_environment())
        assert ended == code, err
        return out if code == 0 else err

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))

    @property
    def noted(self) -> list[str]:
        """The names in the log of actions, the latest first."""

        async def look() -> list[str]:
            with administration(Settings(data_dir=self.directory)) as office:
                return [each.name for each in await office.log.latest(None, 100)]

        return asyncio.run(look())


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "data")


@dataclass
class Terminal:
    """Runner of `stillmotion` in a folder, with settings in its environment."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stillmotion", *words],
            cwd=self.folder,
            env=clean_environment(**self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        return forked.ended(words, clean_environment(**self.settings), self.folder)

    def files(self, pattern: str = "*") -> list[str]:
        return sorted(each.relative_to(self.folder).as_posix() for each in self.folder.rglob(pattern) if each.is_file())


@pytest.fixture(scope="session")
def sample() -> bytes:
    return draw_sample()


@pytest.fixture
def terminal(tmp_path, sample):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("one.jpg", "two.jpg"):
        (folder / name).write_bytes(sample)
    return Terminal(folder)


@pytest.fixture
def server():
    with contract_server() as told:
        yield told
