"""Statements that hold rows until the transaction ends: what an operation reads before it writes, it holds first.

A database with more than one writer shows each statement the rows as they were committed when the statement began. A
statement that waits for a row may go on with what it read before the wait. So to hold is a statement of its own, and
the read comes after it. Each names one table and no other, by columns of its key, without a join or a sub-select.

Every operation holds in one order, so that no two wait for each other:

1. the virtual clock: claims, moves, pauses;
2. the generation;
3. its deliveries;
4. its subscription's limits, with all that is counted by subscription: quota, usage, lines of the queue, earlier
   submits. A submit begins here, since nobody knows its generation yet;
5. render times: first those of the kind, then those of the engine.

The access version stands apart: it guards products, subscriptions, keys and sessions, in transactions that hold nothing
else. So does the subscription itself, which guards the count of its uploads. Other operations write without a read, and
several rows of a table in the order of their keys.
"""

from typing import Final

HOLD_CLOCK: Final = 'SELECT 1 FROM virtual_clock WHERE "only" = 1'
HOLD_GENERATION: Final = "SELECT 1 FROM generations WHERE id = ?"
HOLD_DELIVERIES: Final = "SELECT 1 FROM deliveries WHERE generation_id = ? ORDER BY sequence"
HOLD_DELIVERY: Final = "SELECT 1 FROM deliveries WHERE id = ?"

HOLD_LIMITS: Final = "SELECT 1 FROM limits WHERE subscription_id = ?"
"""A subscription that never submitted has no such row: a database that needs the hold makes it."""

HOLD_ACCESS: Final = 'SELECT 1 FROM access_version WHERE "only" = 1'
HOLD_SUBSCRIPTION: Final = "SELECT 1 FROM subscriptions WHERE id = ?"
