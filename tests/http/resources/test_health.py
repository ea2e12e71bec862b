"""Health, readiness, metrics and the pages."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest

from stillmotion.domain.errors import Unavailable
from stillmotion.http.edge.parts import WatchedParts
from stillmotion.http.edge.services import EdgeTiming
from tests.waiting import eventually_async


async def fine():
    pass


async def no_renderer():
    raise Unavailable("no renderer is running")


async def broken():
    raise RuntimeError("what only the log may say")


async def stuck():
    await asyncio.Event().wait()


def test_a_process_that_answers_is_alive(edge):
    answered = edge.ask("GET", "/healthz")
    assert (answered.status, answered.body) == (200, {"status": "ok"})
    assert edge.ask("HEAD", "/healthz").content == b""


def test_ready_is_when_every_part_works(start):
    edge = start(readiness={"store": fine, "worker": fine})
    answered = edge.ask("GET", "/readyz")
    assert (answered.status, answered.body) == (200, {"status": "ready"})


@dataclass
class Elsewhere:
    trouble: str | None = None


def test_a_server_whose_work_others_do_is_named_while_all_is_ready(start):
    servers = {"studio": Elsewhere("10.0.0.5 does not answer"), "second": Elsewhere()}
    edge = start(readiness={"servers": fine}, servers=servers)
    answered = edge.ask("GET", "/readyz")
    told = {"status": "ready", "in_trouble": {"studio": "10.0.0.5 does not answer"}}
    assert (answered.status, answered.body) == (200, told)


def test_what_is_missing_is_named(start):
    hasty = EdgeTiming(check=timedelta(seconds=0.05))
    edge = start(timing=hasty, readiness={"store": stuck, "storage": broken, "worker": no_renderer, "rest": fine})
    answered = edge.ask("GET", "/readyz")
    assert answered.status == 503
    assert int(answered.headers["retry-after"]) > 0
    assert answered.body == {
        "status": "not ready",
        "missing": {
            "store": "no answer within 0.05 seconds",
            "storage": "the check itself failed: see the log",
            "worker": "no renderer is running",
        },
    }


async def look_once(watched):
    looking = asyncio.create_task(watched.run())
    await eventually_async(lambda: watched.troubles)
    looking.cancel()


def test_a_server_of_several_is_ready_without_storage_and_says_so(start):
    """Else the loss of the bucket would take all servers out of the balancer, polls and all."""
    watched = WatchedParts({"storage": stuck, "worker": no_renderer, "servers": fine}, timedelta(seconds=0.01))
    edge = start(readiness={"store": fine}, watched=watched)
    assert edge.ask("GET", "/readyz").body == {"status": "ready"}, "nobody has looked yet"
    asyncio.run(look_once(watched))
    edge.clock.advance(seconds=1)
    answered = edge.ask("GET", "/readyz")
    troubles = {"storage": "no answer within 0.01 seconds", "worker": "no renderer is running"}
    assert (answered.status, answered.body) == (200, {"status": "ready", "in_trouble": troubles})


def test_the_checks_are_not_made_more_than_once_a_second(start):
    made = []

    async def counting():
        made.append(1)

    edge = start(readiness={"store": counting})
    for _ in range(3):
        edge.ask("GET", "/readyz")
    assert len(made) == 1
    edge.clock.advance(seconds=1)
    edge.ask("GET", "/readyz")
    assert len(made) == 2


def samples(edge):
    text = edge.ask("GET", "/metrics").content.decode()
    return dict(re.findall(r"^([a-z_]+(?:\{[^}]*\})?) ([0-9.e+-]+)$", text, re.MULTILINE))


def test_metrics_count_requests_by_operation_and_status(start):
    edge = start()
    caller = edge.caller()
    task_id = caller.submit().body["id"]
    for _ in range(3):
        caller.poll(task_id)
    caller.poll("none")
    edge.ask("GET", "/nowhere")
    found = samples(edge)
    assert found['stillmotion_http_requests_total{operation="generateRequestFromImage",status="200"}'] == "1.0"
    assert found['stillmotion_http_requests_total{operation="getStatus",status="200"}'] == "3.0"
    assert found['stillmotion_http_requests_total{operation="getStatus",status="404"}'] == "1.0"
    assert found['stillmotion_http_requests_total{operation="not_found",status="404"}'] == "1.0"
    assert found['stillmotion_http_request_seconds_count{operation="getStatus"}'] == "4.0"
    assert found['stillmotion_http_request_seconds_bucket{le="+Inf",operation="getStatus"}'] == "4.0"


def test_metrics_count_generations_under_way(start):
    edge = start()
    caller = edge.caller()
    caller.submit()
    task_id = caller.submit().body["id"]
    caller.change(task_id, lambda generation: generation.claimed(edge.clock.now()))
    found = samples(edge)
    assert found['stillmotion_generations{state="queued"}'] == "1.0"
    assert found['stillmotion_generations{state="dreaming"}'] == "1.0"


@pytest.mark.parametrize(
    "path",
    ["/", "/console/app.js", "/docs", "/docs/reference.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"],
)
def test_pages_run_only_scripts_of_our_own(edge, path):
    answered = edge.ask("GET", path)
    assert answered.status == 200
    assert answered.headers["x-content-type-options"] == "nosniff"
    policy = dict(part.strip().split(" ", 1) for part in answered.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_nothing_that_the_policy_refuses_and_nothing_from_elsewhere(edge, path):
    html = edge.ask("GET", path).content.decode()
    assert not re.search(r"<script>|<style|\son\w+=|style=|https?://", html)
    for found in re.findall(r'(?:src|href)="(/[^"]*)"', html):
        assert edge.ask("GET", found).status in (200, 503), found


@pytest.mark.parametrize("path", ["/docs/", "/docs/../app.py", "/docs/NOTICE", "/docs/%2e%2e/app.py", "/openapi"])
def test_only_the_pages_are_served(edge, path):
    assert edge.ask("GET", path).status == 404
