"""A submit's trace over server, worker and renderer, as a collector receives it."""

import pytest

pytest.importorskip("opentelemetry.sdk", reason="needs OpenTelemetry: pip install stillmotion[otel]")

from tests.end_to_end.conftest import make_running, small_picture
from tests.end_to_end.test_metrics import receiver
from tests.end_to_end.test_workers import working
from tests.tracing.collector import collecting
from tests.waiting import eventually

__all__ = ["make_running", "receiver"]

PROMPT = "push in on the secret lighthouse"
CALLER = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{CALLER}-b7ad6b7169203331-01"
STEPS = ("fetch", "decode", "render", "encode", "store")


@pytest.fixture
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture
def environment(collector):
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_SERVICE_NAME": "clips",
        "STILLMOTION_FETCH_ALLOW_CIDRS": "127.0.0.0/8",
        "STILLMOTION_FETCH_ALLOWED_PORTS": "",
    }


def test_a_submits_trace_goes_through_server_worker_and_renderer(make_running, environment, collector, receiver):
    server = make_running(STILLMOTION_RENDERERS="0", **environment)
    body = {"prompt": PROMPT, "url": small_picture(), "duration": 1, "resolution": "540p", "callback_url": receiver}
    with working(server, **environment):
        made = server.submit(body, traceparent=TRACEPARENT).body["id"]
        server.wait_for(made, "completed")
        wanted = {"send generations", "process generations", "deliver callback", *STEPS}
        eventually(lambda: wanted <= {each.span.name for each in collector.spans if each.trace == CALLER}, 10)
    (request,) = collector.named("POST /lumalabs-ai/v1/generateRequestFromImage")
    (sent,), (processed,) = collector.named("send generations"), collector.named("process generations")
    assert request.span.parent_span_id.hex() == TRACEPARENT.split("-")[2]
    assert (request.kind, request.attributes["http.response.status_code"]) == ("SERVER", 200)
    assert (sent.kind, processed.kind) == ("PRODUCER", "CONSUMER")
    assert collector.parent(sent) == request
    assert collector.parent(processed) == sent
    assert [each.span_id for each in processed.span.links] == [sent.span.span_id]
    for each in (sent, processed):
        assert each.attributes["gen_ai.operation.name"] == "generate_content"
        assert each.attributes["gen_ai.request.model"] == "ray-1-6"
        assert each.attributes["gen_ai.output.type"] == "video"
        assert each.attributes["messaging.message.id"] == made
    assert processed.attributes["stillmotion.attempt"] == 1
    for name in STEPS:
        (step,) = collector.named(name)
        assert collector.parent(step) == processed
        assert processed.span.start_time_unix_nano <= step.span.start_time_unix_nano <= step.span.end_time_unix_nano
        assert step.span.end_time_unix_nano <= processed.span.end_time_unix_nano
    for each in collector.named("deliver callback"):
        assert (each.kind, collector.parent(each)) == ("CLIENT", sent)
        assert each.attributes["http.response.status_code"] == 204
    assert {each.resource["service.name"] for each in collector.spans} == {"clips"}
    for secret in (PROMPT, server.key, server.key[:12], small_picture()[30:60], "/hook"):
        assert secret.encode() not in collector.content


def test_every_attempt_has_a_span_of_its_own_and_failures_are_told_by_kind(make_running, environment, collector):
    running = make_running(**environment)
    broken = small_picture()[:-80]
    made = running.submit({"prompt": PROMPT, "url": broken, "duration": 1}).body["id"]
    assert running.wait_for(made, "completed", "failed")["state"] == "failed"
    assert running.status("none").status == 404
    running.stop()
    (attempt,) = collector.named("process generations")
    assert attempt.attributes["error.type"] == "image_decode_failed"
    assert attempt.span.status.message == ""
    assert "fetch" in {each.span.name for each in collector.spans}
    polls = collector.named("POST /lumalabs-ai-polling/v1/getStatus")
    assert polls[-1].attributes["http.response.status_code"] == 404
    assert PROMPT.encode() not in collector.content
