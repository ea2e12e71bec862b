"""Two installations that were given the same place in a bucket: the second is told so, and collects nothing."""

import pytest
from click.testing import CliRunner

from stillmotion.application.storage_owner import StorageTaken
from stillmotion.cli.main import cli
from tests.end_to_end.conftest import make_running, small_picture
from tests.waiting import eventually

__all__ = ["make_running"]


@pytest.fixture
def settings(seaweedfs):
    options = ",".join(f"{name}={value}" for name, value in seaweedfs.options.items())
    return {"STILLMOTION_STORAGE": f"s3://{seaweedfs.new_place()}", "STILLMOTION_STORAGE_OPTIONS": options}


def collection(running):
    words = ["gc", "--data-dir", str(running.directory)]
    return CliRunner().invoke(cli, words, env=running.settings, catch_exceptions=False)


def test_the_second_is_told_and_sets_no_clip_of_the_first_aside(make_running, settings):
    first = make_running(**settings)
    first.ready()
    clip = first.submit({"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}).body["id"]
    second = make_running(**settings)
    eventually(lambda: "another installation" in second.log.read_text(), about=second.log.read_text)
    with pytest.raises(StorageTaken, match="checks/owner"):
        collection(second)
    assert collection(first).exit_code == 0
    first.wait_for(clip, "completed")
