"""Usage: by day, model and key, in JSON and CSV, and nobody else's."""

import csv
import io
from decimal import Decimal

import pytest

from tests.http.conftest import SUBMIT
from tests.http.resources.browser_session import Browser


@pytest.fixture
def apart(start):
    """A server of its own, whose clock a test may move."""
    return start("sqlite")


def usage(caller, query="", key=None):
    headers = {"Authorization": f"Bearer {key or caller.issued.primary}"}
    return caller.edge.ask("GET", f"/usage{query}", headers=headers)


def told(caller, query="", key=None):
    answered = usage(caller, query, key)
    assert answered.status == 200, answered.content
    return answered.body


def test_it_is_told_by_day_with_its_total(apart):
    caller = apart.caller(price_per_second=Decimal("0.02"))
    caller.complete(caller.submit().body["id"])
    apart.clock.advance(seconds=24 * 3600)
    caller.submit()
    rows = [
        {"generations": 1, "completed": 1, "failed": 0, "video_seconds": 5.0, "cost": 0.1, "day": "2026-11-22"},
        {"generations": 1, "completed": 0, "failed": 0, "video_seconds": 5.0, "cost": 0.1, "day": "2026-11-23"},
    ]
    assert told(caller) == {
        "from": "2026-11-01",
        "to": "2026-11-23",
        "by": ["day"],
        "rows": rows,
        "total": {"generations": 2, "completed": 1, "failed": 0, "video_seconds": 10.0, "cost": 0.2},
    }
    assert told(caller, "?from=2026-11-23&to=2026-11-30")["rows"] == rows[1:]
    assert told(caller, "?from=2026-12-01")["rows"] == []


def test_a_new_price_leaves_the_old_days_alone(apart):
    caller = apart.caller(name="dear", price_per_second=Decimal("0.02"))
    caller.submit()
    name = caller.issued.subscription.product.name
    apart.run(apart.services.admin.administration.products.update(name, {"price_per_second": Decimal(1)}))
    apart.clock.advance(seconds=1)
    caller.submit()
    assert told(caller)["total"]["cost"] == 5.1


def test_it_is_told_by_key_and_model_for_sessions_too(any_edge):
    caller = any_edge.caller()
    caller.submit()
    caller.submit(Ocp_Apim_Subscription_Key=caller.issued.secondary)
    browser = Browser(any_edge).sign_in(caller.issued.secondary)
    assert browser.ask("POST", SUBMIT, {"prompt": "push in", "url": "https://example.com/a.jpg"}).status == 200
    by_key = told(caller, "?by=key")
    assert by_key["by"] == ["key"]
    prefixes = [caller.issued.primary[:9], caller.issued.secondary[:9]]
    assert {each["key"]: each["generations"] for each in by_key["rows"]} == dict(zip(prefixes, (1, 2), strict=True))
    both = told(caller, "?by=key,model")
    assert both["by"] == ["model", "key"]
    assert {each["model"] for each in both["rows"]} == {"ray-1-6"}


def test_a_table_for_spreadsheets_holds_the_same(any_edge):
    caller = any_edge.caller()
    caller.submit()
    answered = usage(caller, "?by=day,model,key&format=csv")
    assert answered.headers["content-type"] == "text/csv; charset=utf-8"
    day = any_edge.clock.now().date()
    assert answered.headers["content-disposition"] == f'attachment; filename="usage-{day.replace(day=1)}-{day}.csv"'
    (row,) = csv.DictReader(io.StringIO(answered.content.decode()))
    assert row == {
        "day": str(day),
        "model": "ray-1-6",
        "key": caller.issued.primary[:9],
        "generations": "1",
        "completed": "0",
        "failed": "0",
        "video_seconds": "5.0",
        "cost": "0.0",
    }


def test_it_is_nobody_elses(any_edge):
    mine, theirs = any_edge.caller(), any_edge.caller()
    theirs.submit()
    assert told(mine, "?by=key")["rows"] == []
    assert any_edge.ask("GET", "/usage").status == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?by=hour", "by"),
        ("?by=", "by"),
        ("?by=day,day", "by"),
        ("?by=subscription", "by"),
        ("?from=yesterday", "from"),
        ("?from=2026-11-31", "from"),
        ("?from=2026-11-30&to=2026-11-01", "from"),
        ("?from=2025-01-01&to=2026-11-01", "from"),
        ("?format=xml", "format"),
        ("?days=7", "days"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(edge, query, field):
    refused = usage(edge.caller(), query)
    assert refused.status == 400, refused.content
    assert refused.body["details"][0]["field"] == field
