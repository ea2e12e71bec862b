"""The secret of a database: its fingerprint is kept at the first start and compared at every other."""

import apsw
import pytest

from stillmotion.adapters.store.sqlite import StoreUnusable, open_store, use_secret
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from tests.contracts.conftest import keep_subscription

OURS, ANOTHER = b"a" * 32, b"b" * 32


class Secret:
    """Source of a fingerprint. It records if it was allowed to make a new secret."""

    def __init__(self, *fingerprints):
        self.fingerprints, self.told = fingerprints or (OURS,), []

    def __call__(self, *, may_make):
        self.told.append(may_make)
        return self.fingerprints


def kept(database):
    with apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        return connection.execute("SELECT secret_fingerprint FROM meta").get


def test_the_first_start_keeps_the_fingerprint_and_may_make_a_secret(database):
    first, second = Secret(), Secret()
    open_store(database, fingerprints=first).close()
    assert kept(database) == OURS
    open_store(database, fingerprints=second).close()
    assert (first.told, second.told) == ([True], [False])


def test_another_secret_is_refused_with_the_way_out(database):
    open_store(database, fingerprints=Secret()).close()
    with pytest.raises(StoreUnusable) as refused:
        open_store(database, fingerprints=Secret(ANOTHER))
    assert (
        f"{database.parent}/secret, or the setting secret in its place, is not the secret that {database} was used with"
        in str(refused.value)
    )
    assert "backup" in str(refused.value)
    assert f"stillmotion keys new-secret --data-dir {database.parent}" in str(refused.value)
    assert kept(database) == OURS
    use_secret(database, ANOTHER)
    open_store(database, fingerprints=Secret(ANOTHER)).close()


def test_while_a_secret_is_changed_the_other_one_is_accepted_and_the_present_one_kept(database):
    open_store(database, fingerprints=Secret(OURS)).close()
    open_store(database, fingerprints=Secret(OURS, ANOTHER)).close()
    assert kept(database) == OURS
    open_store(database, fingerprints=Secret(ANOTHER, OURS)).close()
    assert kept(database) == ANOTHER
    with pytest.raises(StoreUnusable, match="give the old one as secret_before too"):
        open_store(database, fingerprints=Secret(OURS))
    open_store(database, fingerprints=Secret(ANOTHER)).close()


async def test_a_database_from_before_there_were_fingerprints_gets_one_and_may_not_make_a_secret(database):
    before = [each for each in migrations() if each.version < 11]
    open_database(database, before).close()
    store = open_store(database)
    await keep_subscription(store)
    store.close()
    secret = Secret()
    open_store(database, fingerprints=secret).close()
    assert secret.told == [False], "its keys are hashed under a secret that must be there"
    assert kept(database) == OURS
