"""The image without a container engine: its command, health check and settings, as any user over a read-only tree."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.deploy_files import ROOT, command, environment, free_port, instructions, steps
from tests.faults.test_odd_users import NOBODY, cannot_be_nobody
from tests.waiting import eventually

WRITABLE = "/data"


def replayed(place, venv, **more):
    """The image's environment, where `/data` is a folder and the virtual environment lies elsewhere."""
    found = environment("cpu") | {"PATH": f"{venv}/bin:{os.environ['PATH']}"} | more
    return [f"{name}={place if value == WRITABLE else value}" for name, value in found.items()]


def runs_and_is_healthy(place, venv, **more):
    """Start the entry point as the image does, ask its health check until it is well, and stop it as Docker does."""
    variables = replayed(place, venv, STILLMOTION_PORT=str(free_port()), **more)
    ran = [*NOBODY, *variables, *command("cpu", "ENTRYPOINT"), *command("cpu", "CMD")]
    check = [*NOBODY, *variables, *command("cpu", "HEALTHCHECK")]
    with subprocess.Popen(ran, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            said = server.stdout.readline()
            assert said.startswith("Listening on "), said
            eventually(lambda: subprocess.run(check, capture_output=True, check=False).returncode == 0, 60)
        finally:
            server.terminate()
            _, log = server.communicate(timeout=30)
    assert server.returncode == 0, log
    assert "Traceback" not in log
    gone = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (gone.returncode, "no server answers at 127.0.0.1:" in gone.stderr) == (1, True)


def test_an_image_has_one_user_without_a_name_and_one_folder_to_write_to():
    for target in ("cpu", "gpu"):
        found = instructions(target)
        assert ("USER", "10001:0") in found
        assert ("VOLUME", f'["{WRITABLE}"]') in found
        assert command(target, "ENTRYPOINT") == ["stillmotion"]
        assert {value for name, value in environment(target).items() if name.endswith("_DIR") or name == "HOME"} == {
            WRITABLE
        }
        made = [step for step in steps(target) if WRITABLE in step]
        assert made == [["install", "--directory", "--owner=10001", "--group=0", "--mode=0770", WRITABLE, "/weights"]]


@pytest.mark.skipif(cannot_be_nobody(), reason="this system lets nobody be another user")
def test_any_user_runs_the_images_command_and_its_health_check(tmp_path):
    runs_and_is_healthy(tmp_path, Path(sys.executable).parents[1])


@pytest.mark.slow
@pytest.mark.skipif(cannot_be_nobody(), reason="this system lets nobody be another user")
def test_the_images_steps_make_a_tree_that_any_user_runs_and_nobody_writes_to(tmp_path):
    source, venv, place = tmp_path / "src", tmp_path / "srv/stillmotion", tmp_path / "data"
    place.mkdir()
    copied = [rest.split()[:-1] for word, rest in instructions("build") if word == "COPY"]
    source.mkdir()
    for each in (name for names in copied for name in names):
        subprocess.run(["cp", "-r", ROOT / each, source], check=True)
    for step in steps("build"):
        words = [sys.executable if word == "python" else word.replace("/srv/stillmotion", str(venv)) for word in step]
        subprocess.run(words, cwd=source, check=True, capture_output=True)
    for path in [*venv.rglob("*"), *source.rglob("*")]:
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    runs_and_is_healthy(place, venv)
