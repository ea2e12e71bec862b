"""Clients that offer more than HTTP/1.1: Java's own, curl, Node's fetch."""

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
POLL = "/lumalabs-ai-polling/v1/getStatus"


WAYS = (("-H", "Expect: 100-continue"), ("-H", "Transfer-Encoding: chunked"), ("--http2",))


def needing(program):
    """A skip by name on a machine without the program. CI has all of them."""
    absent = shutil.which(program) is None and os.environ.get("CI") != "true"
    return pytest.mark.skipif(absent, reason=f"{program} is not installed")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


@needing("java")
def test_javas_own_client_is_answered_whatever_it_would_upgrade_to(service):
    """It sends `Upgrade: h2c` with every first request of a connection, even a POST."""
    base, key = "http://{}:{}".format(*service.where), service.history.key_of(0)
    done = run("java", str(HERE / "JavaClient.java"), base, key, service.history.ids[0])
    assert done.returncode == 0, done.stderr
    told = Counter(" ".join(line.split()[:3]) for line in done.stdout.splitlines())
    for version in ("HTTP_2", "HTTP_1_1"):
        assert told[f"{version} POLL 200"] == 6, done.stdout
        assert told[f"{version} SUBMIT 200"] == 1, done.stdout
        assert told[f"{version} LIST 200"] == 2, done.stdout
        assert f"{version} GET WITH A BODY 200" in done.stdout


def curl(service, *options, path="/healthz"):
    """The result of curl: its exit code, the status and the body."""
    url = "http://{}:{}{}".format(*service.where, path)
    done = run("curl", "-sS", "-m", "30", "-w", "\\n%{http_code} %{http_version}", *options, url)
    body, _, told = done.stdout.rpartition("\n")
    return done.returncode, told, body


def keyed(service):
    return "-H", f"Ocp-Apim-Subscription-Key: {service.history.key_of(0)}", "-H", "Content-Type: application/json"


@needing("curl")
@pytest.mark.parametrize("version", ["--http2", "--http1.1", "--http1.0"])
def test_curl_is_answered_in_the_version_that_is_spoken_here(service, version):
    spoken = ("1.1",) if version != "--http1.0" else ("1", "1.0", "1.1")
    poll = json.dumps({"task_id": service.history.ids[0]})
    for options, path in (((), "/healthz"), ((*keyed(service), "-d", poll), POLL)):
        code, told, body = curl(service, version, *options, path=path)
        assert (code, told.split()[0]) == (0, "200"), body
        assert told.split()[1] in spoken
    assert service.history.ids[0] in body


@needing("curl")
@pytest.mark.parametrize("options", WAYS, ids=" ".join)
def test_curl_uploads_much_with_and_without_leave(service, tmp_path, options):
    """A body of 15 MiB: with `Expect: 100-continue`, in chunks, and with an upgrade in its head."""
    file = tmp_path / "large.json"
    file.write_bytes(b'{"task_id": "%s"' % service.history.ids[0].encode() + b" " * 200_000 + b"}")
    code, told, body = curl(service, *options, *keyed(service), "--data-binary", f"@{file}", path=POLL)
    assert (code, told.split()[0]) in ((0, "200"), (0, "400"), (0, "413")), body
    picture = tmp_path / "large.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(15 * 2**20))
    key = f"Authorization: Bearer {service.history.key_of(0)}"
    code, told, body = curl(service, *options, "-H", key, "-F", f"file=@{picture}", path="/uploads")
    assert (code, told.split()[0]) == (0, "201"), body


@needing("curl")
def test_curl_with_http_2_by_prior_knowledge_is_refused_at_once(service):
    code, told, _ = curl(service, "--http2-prior-knowledge")
    assert code != 0
    assert told.split()[0] == "000"


FETCH = """
const [base, key, id] = process.argv.slice(2);
const headers = {"Ocp-Apim-Subscription-Key": key, "Content-Type": "application/json"};
const body = JSON.stringify({task_id: id});
const url = base + "/lumalabs-ai-polling/v1/getStatus";
const streamed = () => new ReadableStream({start(to) {to.enqueue(new TextEncoder().encode(body)); to.close();}});
for (let again = 0; again < 3; again++) {
  const plain = await fetch(url, {method: "POST", headers, body});
  const inChunks = await fetch(url, {method: "POST", headers, body: streamed(), duplex: "half"});
  const health = await fetch(base + "/healthz");
  const none = await fetch(base + "/nowhere", {method: "PUT", body: "x".repeat(3_000_000)});
  console.log(plain.status, (await plain.json()).id === id, inChunks.status, (await inChunks.json()).id === id,
              health.status, none.status);
}
"""


@needing("node")
def test_nodes_fetch_is_answered(service, tmp_path):
    program = tmp_path / "fetch.mjs"
    program.write_text(FETCH, "utf-8")
    base, key = "http://{}:{}".format(*service.where), service.history.key_of(0)
    done = run("node", str(program), base, key, service.history.ids[0])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["200 true 200 true 200 404"] * 3
