"""Operations hold rows before they read them (`tests.contracts.holding` checks those of every contract test)."""

import re

import pytest

from stillmotion.adapters.store.sql.queries import holds
from stillmotion.adapters.store.sql.queries.access import FIND_PRODUCT
from stillmotion.adapters.store.sql.queries.generations import FIND_GENERATION
from tests.contracts.holding import holding

HOLDS = {name: text for name, text in vars(holds).items() if name.isupper()}


@pytest.mark.parametrize("name", sorted(HOLDS))
def test_a_hold_names_one_table_and_columns_of_its_key(name):
    """With a join or a sub-select, rows would be seen as they were before the wait."""
    assert re.fullmatch(r'SELECT 1 FROM \w+ WHERE ("only" = 1|\w+ = \?)( ORDER BY sequence)?', HOLDS[name])


async def test_a_read_without_a_hold_is_found(sqlite):
    with pytest.raises(AssertionError, match="a read without a hold"):
        await holding(sqlite).writer.run(lambda connection: connection.execute(FIND_GENERATION, ("id",)))


async def test_another_order_is_found(sqlite):
    def operation(connection):
        connection.hold(holds.HOLD_LIMITS, ("id",))
        connection.hold(holds.HOLD_GENERATION, ("id",))

    with pytest.raises(AssertionError, match="is held after"):
        await holding(sqlite).writer.run(operation)


async def test_two_areas_in_one_operation_are_found(sqlite):
    def operation(connection):
        connection.hold(holds.HOLD_ACCESS)
        connection.execute(FIND_PRODUCT, ("name",))
        connection.hold(holds.HOLD_CLOCK)

    with pytest.raises(AssertionError, match="is held with"):
        await holding(sqlite).writer.run(operation)
