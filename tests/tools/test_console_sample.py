"""The sample data of the console: a past that the service's own use cases have written."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from stillmotion.composition.administration import administration, delivery_log
from tools.console.sample import sample_settings


@pytest.fixture
def told(tmp_path):
    """The keys and ids that the command prints after it has written the data."""
    command = [sys.executable, "-m", "tools.console.serving", str(tmp_path / "data"), "--scenes", "1"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


async def test_the_sample_has_customers_clips_failures_and_refused_callbacks(told, tmp_path):
    assert list(told["keys"]) == ["Ada's studio", "Blue Whale Press", "Corner cinema"]
    states = {state: len(ids) for state, ids in told["generations"].items()}
    assert states["completed"] > 10
    assert states["failed"] > 3
    assert states["queued"] == 3
    settings = sample_settings(tmp_path / "data")
    with administration(settings) as office, delivery_log(settings) as log:
        customers = [each for each, _ in await office.subscriptions.list()]
        used = [(await office.subscriptions.usage(each.id)).video_seconds for each in customers]
        sent = [each for customer in customers for each in await log.of_subscription(customer.id, 100)]
    assert len(customers) == 3
    assert all(used)
    answers = Counter((each.delivery.state, each.delivery.last_answer) for each in sent)
    assert {("delivered", "204"), ("gave_up", "410"), ("gave_up", "503")} <= set(answers)
