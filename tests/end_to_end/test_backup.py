"""A backup of a running server, restored and started."""

import json
import subprocess
import threading

import pytest

from tests.end_to_end.conftest import COMMAND, Running, clean_environment, small_picture


def command(*words):
    done = subprocess.run([*COMMAND, *words, "--json"], capture_output=True, env=clean_environment(), check=True)
    return json.loads(done.stdout)


@pytest.fixture
def restored(running, tmp_path):
    """A server, not started, over a directory that is yet to be restored. Its caller has the key of the other."""
    made = Running(tmp_path / "restored", key=running.key)
    yield made
    made.stop()


def test_a_restored_server_knows_the_keys_and_everything_that_was_accepted(running, restored, tmp_path):
    """Writes go on during the backup."""
    request = {"prompt": "push in", "url": small_picture(), "duration": 1, "resolution": "540p"}
    finished = running.submit(request).body["id"]
    running.wait_for(finished, "completed")
    accepted, stopping = [], threading.Event()

    def submit_on():
        while not stopping.is_set():
            answer = running.submit(request)
            if answer.status == 200:
                accepted.append(answer.body["id"])

    submitting = threading.Thread(target=submit_on)
    submitting.start()
    while len(accepted) < 5:
        stopping.wait(0.01)
    before = list(accepted)
    manifest = command("backup", str(tmp_path / "b.tar"), "--data-dir", str(running.directory))
    stopping.set()
    submitting.join()
    assert manifest["missing"] == []
    command("restore", str(tmp_path / "b.tar"), "--data-dir", str(restored.directory))
    restored.start()
    clip = restored.wait_for(finished, "completed")
    video = restored.call("GET", clip["assets"]["video"].removeprefix(restored.base))
    original = running.status(finished).body["assets"]["video"]
    assert video.status == 200
    assert video.content == running.call("GET", original.removeprefix(running.base)).content
    for generation_id in before:
        assert restored.status(generation_id).status == 200
    restored.wait_for(before[0], "completed")
