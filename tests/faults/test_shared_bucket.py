"""Two installations that were given the same place in a bucket: the second is told so, and collects nothing."""

import asyncio

import pytest
from click.testing import CliRunner

from stillmotion.adapters.objects import open_objects
from stillmotion.application.storage_owner import OWNER_KEY, StorageTaken
from stillmotion.cli.main import cli
from tests.end_to_end.conftest import make_running
from tests.waiting import eventually

__all__ = ["make_running"]


@pytest.fixture
def settings(seaweedfs):
    options = ",".join(f"{name}={value}" for name, value in seaweedfs.options.items())
    return {"STILLMOTION_STORAGE": f"s3://{seaweedfs.new_place()}", "STILLMOTION_STORAGE_OPTIONS": options}


def collection(running):
    words = ["gc", "--data-dir", str(running.directory)]
    return CliRunner().invoke(cli, words, env=running.settings, catch_exceptions=False)


def test_the_second_is_told_and_collects_nothing(make_running, settings, seaweedfs, tmp_path):
    place = open_objects(settings["STILLMOTION_STORAGE"], tmp_path, seaweedfs.options)
    asyncio.run(place.create(OWNER_KEY, b"of another installation"))
    running = make_running(**settings)
    eventually(lambda: "another installation's" in running.log.read_text(), about=running.log.read_text)
    with pytest.raises(StorageTaken, match=OWNER_KEY):
        collection(running)
    asyncio.run(place.delete(OWNER_KEY))
    assert collection(running).exit_code == 0
    assert asyncio.run(place.whole(OWNER_KEY)) is not None, "it is this one's now"
