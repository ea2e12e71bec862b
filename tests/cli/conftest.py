"""Commands as they are run, over a data directory of their own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import clean_environment

COMMAND = [sys.executable, "-m", "stillmotion"]


@dataclass
class Commands:
    """Runs `stillmotion` over one data directory."""

    directory: Path

    def run(self, *words: str, code: int = 0, data_dir: bool = True) -> str:
        """Standard output, or standard error where it is meant to fail."""
        own = ("--data-dir", str(self.directory)) if data_dir else ()
        done = subprocess.run(
            [*COMMAND, *words, *own], capture_output=True, text=True, env=clean_environment(), timeout=60, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "data")
