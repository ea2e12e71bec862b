"""Round trips to the database: rows are held while their answers travel, so a change waits for few of them."""

import select
import socket
import threading
from contextlib import closing
from socketserver import BaseRequestHandler, ThreadingUnixStreamServer
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

from stillmotion.adapters.store import postgresql
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import GenerationFailed
from tests import databases
from tests.builders import CALLBACK_URL, NOON, a_generation, a_product, a_subscription, some_assets

SOCKET = ".s.PGSQL.5432"


class Relay(BaseRequestHandler):
    """A connection that is passed on. A round trip is an answer to something that was said."""

    def handle(self):
        with socket.socket(socket.AF_UNIX) as beyond:
            beyond.connect(self.server.beyond)
            to = {self.request: beyond, beyond: self.request}
            is_asked = False
            while True:
                for end in select.select(list(to), [], [])[0]:
                    said = end.recv(1 << 16)
                    if not said:
                        return
                    if end is beyond and is_asked:
                        self.server.trips += 1
                    is_asked = end is self.request
                    to[end].sendall(said)


@pytest.fixture
def relay(tmp_path):
    """A relay before the machine's own PostgreSQL, which counts `trips`; its `url` is of a new database."""
    url = databases.cluster().new_database()
    (folder,) = parse_qs(urlsplit(url).query)["host"]
    with ThreadingUnixStreamServer(str(tmp_path / SOCKET), Relay) as server:
        server.daemon_threads = True
        server.beyond, server.trips = f"{folder}/{SOCKET}", 0
        server.url = url.replace(folder, str(tmp_path))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def completed(generation):
    return generation.completed(generation.lease, some_assets(generation.id), "{}", NOON)


def failed(generation):
    unreadable = GenerationFailed("unreadable", "The picture could not be read.", permanent=True)
    return generation.attempt_failed(generation.lease, unreadable, NOON)


def cancelled(generation):
    return generation.cancelled(NOON)


async def test_the_end_of_a_generation_waits_for_four_answers(relay):
    """One for the row, one for its fence, one for the other writes, one for the commit."""
    subscription = a_subscription(a_product())
    with closing(postgresql.open_store(relay.url, sessions=1)) as store:
        await store.add_product(subscription.product)
        await store.add_subscription(subscription, [])
        trips = []
        for end in 3 * (completed, failed, cancelled):
            generation = a_generation(subscription, callback_url=CALLBACK_URL)
            await store.submit(Submission(generation, subscription.product))
            claimed = await store.claim_next(lambda each: each.claimed(NOON))
            before = relay.trips
            await store.change(claimed.id, end)
            trips.append(relay.trips - before)
    assert trips[-3:] == [4, 4, 4], "once the statements are prepared"
