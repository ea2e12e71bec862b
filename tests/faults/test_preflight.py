"""Wrong settings: the start refuses or reports them by name with a remedy, and the doctor knows them."""

import resource
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from stillmotion.config import SettingsError, load
from tests.end_to_end.conftest import COMMAND, clean_environment, make_running
from tests.faults.test_startup import doctor, examined, serve
from tests.waiting import eventually

__all__ = ["make_running"]

NONSENSE = {
    "STILLMOTION_PUBLIC_URL": [
        "nonsense",
        "video.example.com",
        "ftp://x",
        "https://",
        "https://a b",
        "https://x:99999",
    ],
    "STILLMOTION_HOST": ["", " "],
    "STILLMOTION_DATA_DIR": [""],
    "STILLMOTION_PORT": ["-1", "65536", "nan", "", "8080.5"],
    "STILLMOTION_STORAGE": ["", "ftp://x", "s3://", "S3://bucket"],
    "STILLMOTION_STORAGE_OPTIONS": ["region"],
    "STILLMOTION_DEVICES": ["gpu", "cuda:x", "cuda:-1", "0"],
    "STILLMOTION_RENDERERS": ["-1", "65", "many"],
    "STILLMOTION_PREVIEW_SECONDS": ["nan", "inf", "-1"],
    "STILLMOTION_SHUTDOWN_GRACE": ["nan", "-0.1", "soon"],
    "STILLMOTION_SUBMITS_PER_MINUTE": ["0", "-5"],
    "STILLMOTION_CONCURRENT_GENERATIONS": ["0"],
    "STILLMOTION_RETENTION_DAYS": ["-1"],
    "STILLMOTION_ADMIN_KEY": ["short"],
    "STILLMOTION_FETCH_ALLOW_CIDRS": ["10.0.0.1/8", "nonsense"],
    "STILLMOTION_FETCH_DENY_CIDRS": ["300.0.0.0/8"],
    "STILLMOTION_FETCH_ALLOWED_PORTS": ["0", "-1", "70000", "http"],
    "STILLMOTION_LOG_LEVEL": ["loud", ""],
    "STILLMOTION_LOG_FORMAT": ["xml"],
    "STILLMOTION_VIDEO_CODEC": ["vp9"],
    "STILLMOTION_DEPTH_MODEL_GIVES": ["heat"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NONSENSE.items() for value in values])
def test_nonsense_is_refused_by_the_settings_name(name, value):
    with pytest.raises(SettingsError) as refused:
        load({name: value})
    assert str(refused.value).startswith(f"{name} (environment) ")


@pytest.mark.parametrize(
    "written", ["port = true", "renderers = true", 'host = "a\\u0000b"', 'data_dir = "x\\u0000"', 'devices = ["c\\n"]']
)
def test_nonsense_of_a_settings_file_is_refused_by_the_settings_name(tmp_path, written):
    file = tmp_path / "settings.toml"
    file.write_text(written)
    with pytest.raises(SettingsError, match=f"^{written.partition(' ')[0]} \\(file\\) "):
        load({}, file)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"STILLMOTION_PUBLIC_URL": "nonsense"}, "STILLMOTION_PUBLIC_URL (environment) is 'nonsense': give an address"),
        ({"STILLMOTION_DEVICES": "cuda:0"}, "devices is cuda:0, but "),
        ({"STILLMOTION_HOST": "no.such.host.invalid"}, "no.such.host.invalid:0 cannot be listened on: "),
        ({"STILLMOTION_HOST": "a..b"}, "a..b:0 cannot be listened on: that is no host"),
    ],
    ids=lambda each: ",".join(each) if isinstance(each, dict) else None,
)
def test_a_start_with_what_cannot_work_is_refused_in_a_sentence(tmp_path, settings, sentence):
    if settings.get("STILLMOTION_DEVICES") and any(Path("/dev", each).exists() for each in ("nvidia0", "kfd", "dxg")):
        pytest.skip("this machine has a GPU")
    refused = serve(tmp_path / "data", **settings)
    assert refused.returncode == 1, refused.stderr
    assert sentence in refused.stderr
    problems = [each for each in doctor(tmp_path / "data", **settings).values() if not each["ok"]]
    assert any(sentence.partition(" (")[0].split(":")[0] in str(each) or "cuda:0" in each["said"] for each in problems)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"STILLMOTION_CATALOGUE": "/nowhere.toml"}, "Check the setting catalogue."),
        ({"STILLMOTION_DEPTH_MODEL": "/nowhere.onnx"}, "/nowhere.onnx"),
        ({"STILLMOTION_MODELS": "ray-2=nobody"}, "nobody"),
    ],
    ids=lambda each: ",".join(each) if isinstance(each, dict) else None,
)
def test_a_start_without_what_it_is_to_run_is_refused_in_a_sentence(tmp_path, settings, sentence):
    refused = serve(tmp_path / "data", **settings)
    assert refused.returncode == 1, refused.stderr
    assert sentence in refused.stderr
    assert any(each.is_problem and sentence in each.said for each in examined(tmp_path / "data", **settings).values())


def test_too_few_files_are_told_before_the_server_is_there(tmp_path):
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))  # noqa: E731
    for words in (["serve", "--port", "0"], ["worker"], ["doctor"]):
        done = subprocess.run(
            [*COMMAND, *words, "--data-dir", str(tmp_path / "data")],
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=limit,
        )
        assert done.returncode == 1
        assert "at most 64 files can be open at once" in done.stdout + done.stderr
        assert "LimitNOFILE=1024" in done.stdout + done.stderr


@pytest.fixture
def silent():
    """A port that accepts connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=50)
    held = []

    def take():
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()
    for each in held:
        each.close()


def test_a_bucket_that_does_not_answer_is_told_and_does_not_hold_up_the_start(make_running, silent):
    options = f"endpoint=http://127.0.0.1:{silent},region=x,access_key_id=x,secret_access_key=x"
    settings = {"STILLMOTION_STORAGE": "s3://bucket", "STILLMOTION_STORAGE_OPTIONS": options}
    running = make_running(**settings)
    assert running.call("GET", "/healthz").status == 200
    assert "storage_unusable" not in running.log.read_text(), "it answers while it still waits for the bucket"
    assert running.call("GET", "/readyz").status == 503
    eventually(lambda: "storage_unusable" in running.log.read_text(), 60, about=running.log.read_text)
    (line,) = (each for each in running.log.read_text().splitlines() if "storage_unusable" in each)
    assert "storage_options" in line
    assert "s3://bucket" in line


def test_a_bucket_that_refuses_the_connection_is_told_by_the_doctor(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"endpoint=http://127.0.0.1:{port},region=x,access_key_id=x,secret_access_key=hush"
    found = examined(tmp_path, STILLMOTION_STORAGE="s3://bucket", STILLMOTION_STORAGE_OPTIONS=options)["storage"]
    assert "s3://bucket cannot be used" in found.said
    assert "storage_options" in found.remedy
    assert "hush" not in str(found)
