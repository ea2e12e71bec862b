"""Callbacks on the wire: their signatures pass the standard library that receivers use."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from stillmotion.adapters.callbacks import GuardedCallbackSender, sign
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.identifiers import new_callback_secret
from stillmotion.application.ports.outbound import CallbackUndeliverable
from stillmotion.domain.callbacks import CallbackResponse, caused_by
from tests.adapters.fetch.hostile_server import hostile_network
from tests.builders import CALLBACK_URL, NOON, a_generation

DNS = {"hooks.example.com": ["93.184.215.14"]}
PUBLIC = frozenset({"93.184.215.14"})
BODY = '{"state":"completed","prompt":"é ☃"}'.encode()


def test_a_receiver_can_verify_what_was_signed():
    secret = new_callback_secret()
    headers = sign(secret, "msg_1", SystemClock().now(), BODY)
    assert Webhook(secret).verify(BODY, headers)["state"] == "completed"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_callback_secret()).verify(BODY, headers)


def test_an_old_message_and_a_broken_signature_are_refused():
    """The documented checks of a receiver, made with the documented library."""
    secret, now = new_callback_secret(), SystemClock().now()
    for sent_at in (now - timedelta(minutes=5, seconds=1), now + timedelta(minutes=10)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(BODY, sign(secret, "msg_1", sent_at, BODY))
    headers = sign(secret, "msg_1", now, BODY)
    with pytest.raises((WebhookVerificationError, ValueError)):
        Webhook(secret).verify(BODY, headers | {"webhook-signature": "garbage"})
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(json.dumps(json.loads(BODY)).encode(), headers)


def test_an_id_can_be_signed_without_doubt():
    """A full stop separates id, time and body in the signed text, so an id must not contain one."""
    delivery = caused_by(*announced(), NOON)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", delivery.id)


def announced():
    before = a_generation(callback_url=CALLBACK_URL)
    return before, before.claimed(NOON)


def test_the_time_is_the_same_instant_in_whatever_zone_it_is_told():
    secret = new_callback_secret()
    utc = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    kolkata = utc.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert sign(secret, "msg_1", utc, BODY) == sign(secret, "msg_1", kolkata, BODY)
    assert sign(secret, "msg_1", utc, BODY)["webhook-timestamp"] == "1772600767"


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        sign(new_callback_secret(), "msg_1", datetime(2026, 3, 4), BODY)  # noqa: DTZ001 - the mistake under test


async def test_headers_and_body_arrive_as_they_were_signed():
    async with hostile_network(DNS, PUBLIC) as network:
        sender = GuardedCallbackSender(Connections(lookup=network.lookup, socket=network.socket))
        headers = {
            "content-type": "application/json",
            **sign(new_callback_secret(), "msg_1", SystemClock().now(), BODY),
        }
        assert await sender.post("http://hooks.example.com/x", headers, BODY, timedelta(1)) == CallbackResponse(200)
    head = network.requests[0].decode().lower()
    assert head.startswith("post /x http/1.1\r\n")
    assert "content-type: application/json\r\n" in head
    assert f"content-length: {len(BODY)}\r\n" in head
    assert f"webhook-signature: {headers['webhook-signature'].lower()}\r\n" in head


@pytest.mark.parametrize(
    ("path", "words"), [("silent", "callback_timeout"), ("http09", "callback_broken"), ("slowhead", "callback_timeout")]
)
async def test_no_answer_in_time_is_told_in_words_of_our_own(path, words):
    async with hostile_network(DNS, PUBLIC) as network:
        sender = GuardedCallbackSender(Connections(lookup=network.lookup, socket=network.socket))
        with pytest.raises(CallbackUndeliverable, match=words):
            await sender.post(f"http://hooks.example.com/{path}", {}, BODY, timedelta(seconds=0.3))


async def test_the_status_counts_whatever_the_body_does():
    async with hostile_network(DNS, PUBLIC) as network:
        sender = GuardedCallbackSender(Connections(lookup=network.lookup, socket=network.socket))
        for path, status in (("endless", 200), ("cl-short", 200), ("reset", 200), ("404", 404), ("503", 503)):
            answer = await sender.post(f"http://hooks.example.com/{path}", {}, BODY, timedelta(seconds=0.5))
            assert answer == CallbackResponse(status)


async def test_no_answer_leads_to_another_address():
    async with hostile_network(DNS, PUBLIC) as network:
        sender = GuardedCallbackSender(Connections(lookup=network.lookup, socket=network.socket))
        url = "http://hooks.example.com/redir?to=http://hooks.example.com/x&status=308%20Permanent%20Redirect"
        assert await sender.post(url, {}, BODY, timedelta(seconds=1)) == CallbackResponse(308)
    assert len(network.requests) == 1
