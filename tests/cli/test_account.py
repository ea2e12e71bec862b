"""`stillmotion account` and `stillmotion usage`, over the edge on a real server."""

import csv
import io
import json

import pytest

from tests.http.conftest import caller, edge, start_shared

__all__ = ["caller", "edge", "start_shared"]

CLIENT, VERSION = "stillmotion (command line)", "of this version"


@pytest.fixture
def account(terminal, caller):
    terminal.settings = {"STILLMOTION_SERVER": caller.edge.server.url, "STILLMOTION_KEY": caller.issued.primary}
    return terminal


@pytest.mark.methods("account", "account keys")
def test_the_account_is_shown_and_its_keys_are_replaced(account, caller):
    caller.submit()
    code, out, err = account("account")
    assert (code, err) == (0, "")
    assert "this month  5 video-seconds, cost 0, 1 unfinished" in out
    assert f"primary                  {caller.issued.primary[:9]}…  never used" in out
    assert "video_seconds_per_month".replace("_", " ") + "  no limit" in out.replace("   ", "  ")
    assert caller.issued.primary not in out
    told = json.loads(account("account", "--json")[1])
    assert told["subscription"]["id"] == caller.issued.subscription.id

    code, out, err = account("account", "keys", "rotate", "secondary", "--overlap", "2h", "--yes")
    assert (code, out[:3], err[:30]) == (0, "sm_", "The old one works until 2026-1")
    new = json.loads(account("account", "keys", "rotate", "secondary", "--json", "--yes")[1])
    assert (new["slot"], new["previous_valid_until"]) == ("secondary", None)
    code, _, err = account("account", "keys", "rotate", "secondary", "--overlap", "soon")
    assert (code, "write it like 90s, 15m, 2h or 1d" in err) == (2, True)
    code, _, err = account("account", "keys", "rotate", "secondary", "--overlap", "8d", "--yes")
    assert (code, "which is a week" in err) == (1, True)
    code, out, _ = account("account", "renew-secret", "--yes")
    assert (code, out[:6]) == (0, "whsec_")


@pytest.mark.methods("usage")
def test_usage_is_shown_in_three_forms(account, caller):
    caller.submit()
    code, out, _ = account("usage", "--by", "day,model")
    assert (code, out.splitlines()) == (
        0,
        [
            "2026-11-22  ray-1-6  1 generation (0 completed, 0 failed), 5 video-seconds, cost 0",
            "2026-11-01 to 2026-11-22: 1 generation (0 completed, 0 failed), 5 video-seconds, cost 0",
        ],
    )
    (row,) = csv.DictReader(io.StringIO(account("usage", "--by", "key", "--csv")[1]))
    assert (row["key"], row["generations"]) == (caller.issued.primary[:9], "1")
    told = json.loads(account("usage", "--json", "--from", "2026-11-23", "--to", "2026-11-30")[1])
    assert (told["rows"], told["from"]) == ([], "2026-11-23")
    code, _, err = account("usage", "--by", "hour")
    assert (code, "must be some of day, model, key" in err) == (1, True)
