"""`stillmotion models load`, `unload`, and the progress that `models pull` tells."""

import asyncio
from datetime import timedelta

import pytest

from stillmotion.cli.models.progress import PullProgress, told
from stillmotion.composition.administration import administration
from stillmotion.config import Settings
from stillmotion.domain.models.pulls import Pull, PullState
from tests.adapters.models.test_hub import a_catalogue
from tests.builders import NOON
from tests.cli.test_administration import Shell


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("STILLMOTION_CATALOGUE", str(a_catalogue(tmp_path)))
    made = Shell(tmp_path, capsys, monkeypatch)
    made("keys", "create", "--product", "default")
    return made


def kept(tmp_path):
    """The wishes in the store, and the names in the log of actions."""

    async def look():
        with administration(Settings(data_dir=tmp_path)) as office:
            wishes = await office.models.readings.store.wishes()
            return [(each.engine, each.wish.value) for each in wishes], [
                each.name for each in await office.log.latest(None, 9)
            ]

    return asyncio.run(look())


def test_a_wish_is_kept_for_every_worker_and_noted(shell, tmp_path):
    status, out, err = shell("models", "load", "small")
    assert (status, err) == (0, "")
    assert "small: unavailable now" in out
    assert shell.json("models", "unload", "small")["name"] == "small"
    assert kept(tmp_path) == ([("diffusers/small", "unload")], ["models unload", "models load", "keys create"])


def test_a_model_without_memory_here_or_of_an_unknown_name_is_refused(shell, tmp_path):
    status, _, err = shell("models", "load", "nobody")
    assert (status, err) == (1, "stillmotion: there is no model nobody\n")
    status, _, err = shell("models", "unload", "parallax")
    assert (status, "parallax/1, which has nothing to unload" in err) == (1, True)
    assert kept(tmp_path)[0] == []


def test_progress_is_a_line_a_file_where_there_is_no_terminal(capsys):
    progress = PullProgress("small", quiet=False)
    progress.moved(5_000_000, 10_000_000)
    progress.tell("transformer/model.safetensors", 10_000_000, 10_000_000)
    progress.end()
    assert capsys.readouterr().err == "   0.01 of 0.01 GB  transformer/model.safetensors\n"


@pytest.mark.parametrize(
    ("seconds", "said"), [(1, "5 s left"), (60, "5 min left"), (3000, "4.2 h left"), (0, "4.00 of 24.00 GB")]
)
def test_a_line_says_the_bytes_and_the_time_left(seconds, said):
    at = NOON + timedelta(seconds=seconds)
    pull = Pull("small", PullState.PULLING, 4_000_000_000, 24_000_000_000, 0, NOON, at)
    assert told(pull).startswith("small: 4.00 of 24.00 GB")
    assert said in told(pull)
