"""LiteLLM as a library and as a proxy, in an environment of its own."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import openai
import pytest

from stillmotion.http.parsing.data_uri import read_data_uri
from tests.docs.conftest import free_port
from tests.end_to_end.conftest import small_picture
from tests.waiting import eventually

SESSION = Path(__file__).with_name("litellm_session.py")
CLIENT, VERSION = "litellm (Python)", "1.110.2"
PROXY_NEEDS = (
    *("apscheduler", "backoff", "cryptography", "email-validator", "expression", "fastapi", "fastapi-sso", "mcp"),
    *("orjson", "pyjwt", "pynacl", "python-multipart", "pyyaml", "redis", "rich", "semver", "soundfile", "uvicorn"),
    *("uvloop", "websockets", "gunicorn"),
)
"""Packages that its proxy imports. Its extra `proxy` pins further ones whose wheels are not available everywhere."""
MASTER_KEY = "sk-1234567890"
START_SECONDS = 120

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with LiteLLM, installed by the pip of the Python under the environment."""
    folder = tmp_path_factory.mktemp("litellm")
    base = Path(sys.base_prefix) / "bin" / "python3"
    command = [base, "-m", "pip", "install", "--quiet", "--target", folder, f"litellm=={VERSION}", *PROXY_NEEDS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"litellm cannot be had: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return folder


def environment(site):
    """The environment of its processes. They fetch nothing at their start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    return kept | {"PYTHONPATH": str(site), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}


@pytest.fixture
def picture(tmp_path):
    file = tmp_path / "picture.png"
    file.write_bytes(read_data_uri(small_picture()))
    return file


@pytest.fixture
def results(site, caller, picture):
    """The answers to every call of the library, by name."""
    base = Path(sys.base_prefix) / "bin" / "python3"
    command = [base, SESSION, f"{caller.edge.server.url}/v1", caller.issued.primary, picture]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(site), **pipes) as session:
        for line in session.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "RESULTS":
                return json.loads(rest)
            if word == "COMPLETE":
                caller.complete(rest)
                session.stdin.write("done\n")
                session.stdin.flush()
    raise AssertionError("the session broke off")


def test_every_call_of_the_library_is_answered(results, record_property):
    for name, each in results.items():
        record_property("method", name)
        if "error" in each:
            record_property("refused", name)
    answers = {name: each["answer"] for name, each in results.items() if "answer" in each}
    made = answers["video_generation"]
    assert (made["status"], made["model"], made["seconds"], made["size"]) == ("queued", "sora-2", "4", "1280x720")
    assert answers["video_status"]["status"] == "queued"
    assert answers["video_status, done"]["status"] == answers["avideo_status"]["status"] == "completed"
    assert answers["video_content"] == 5000
    assert answers["video_list"] == ["completed"]
    refused = {name: each["error"] for name, each in results.items() if "error" in each}
    assert refused == {"a bad value": "BadRequestError", "no key": "AuthenticationError"}
    assert "seconds: must be" in results["a bad value"]["message"]


@pytest.fixture
def proxy(site, caller, tmp_path):
    """The base URL of LiteLLM's proxy before the server."""
    file = tmp_path / "litellm.yaml"
    server = {"model": "openai/sora-2", "api_base": f"{caller.edge.server.url}/v1", "api_key": caller.issued.primary}
    models = [{"model_name": "sora-2", "litellm_params": server}]
    file.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": MASTER_KEY}}), "utf-8")
    port = free_port()
    base = Path(sys.base_prefix) / "bin" / "python3"
    words = "import sys; from litellm import run_server; sys.exit(run_server())"
    command = [base, "-c", words, "--config", file, "--host", "127.0.0.1", "--port", str(port)]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, env=environment(site), stdout=log, stderr=log, start_new_session=True) as running,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/health/liveliness", running)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(running.pid, signal.SIGKILL)


def _wait(url, running):
    def answers():
        assert running.poll() is None, "the proxy did not start"
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=5).close()
            return True

    eventually(answers, START_SECONDS)


@pytest.mark.methods("its proxy: videos.create", "its proxy: videos.retrieve", "its proxy: videos.download_content")
def test_a_video_is_made_through_litellms_proxy(proxy, caller, picture):
    """OpenAI's client speaks to the proxy. The proxy speaks to the server with a key of its own."""
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key=MASTER_KEY, max_retries=0) as client, picture.open("rb") as file:
        made = client.videos.create(prompt="push in", model="sora-2", seconds="4", input_reference=file)
        assert made.status == "queued"
        told = base64.b64decode(made.id.removeprefix("video_") + "==").decode()
        ours = dict(part.split(":", 1) for part in told.removeprefix("litellm:").split(";"))["video_id"]
        caller.complete(ours)
        assert client.videos.retrieve(made.id).status == "completed"
        assert client.videos.download_content(made.id).content == b"video" * 1000
