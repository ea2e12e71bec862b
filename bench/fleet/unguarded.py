"""A member of the fleet with a guard switched off, so that a check can be seen to fail.

`python -m bench.fleet.unguarded fence,stops worker …` runs the command line in a process whose classes were changed.
The product has no such switch.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from stillmotion.adapters.store.postgresql.connections.threads import PipelinedRows, Transaction
from stillmotion.adapters.store.postgresql.queries.own import OWN
from stillmotion.adapters.store.sql.connections import Given
from stillmotion.application.leases import AssetKeys, Rendered, Work
from stillmotion.cli.main import script
from stillmotion.domain.assets import Assets
from stillmotion.domain.errors import LeaseLost
from stillmotion.domain.generation import Generation
from stillmotion.worker.background.duties import DutyKeeper

_renewed = Work.renew
_published = Work._published
_executed = Transaction.execute

_FENCE: Final = " AND attempt = :fence"


async def _renews_anyway(self: Work, *given: Any, **more: Any) -> datetime | None:
    with suppress(LeaseLost):
        return await _renewed(self, *given, **more)
    return None


async def _holds_anyway(self: Work, lease: object) -> bool:
    del self, lease
    return True


def _fences_nothing(self: Generation, lease: object) -> None:
    del self, lease


def _has_every_duty(self: DutyKeeper, duty: object) -> bool:
    del self, duty
    return True


def _holds_nothing(self: Transaction, statement: str, bindings: Given = (), /) -> None:
    del self, statement, bindings


def _executes_without_fence(self: Transaction, statement: str, bindings: Given = (), /) -> PipelinedRows:
    own = OWN.get(statement, "")
    return _executed(self, own.replace(_FENCE, "") if _FENCE in own else statement, bindings)


async def _stops_before_the_commit(self: Work, rendered: Rendered, keys: AssetKeys) -> Assets:
    """As a machine that freezes at this moment, until somebody wakes it."""
    assets = await _published(self, rendered, keys)
    os.kill(os.getpid(), signal.SIGSTOP)
    return assets


CHANGES: Final[Mapping[str, Mapping[tuple[type, str], Callable[..., Any]]]] = MappingProxyType(
    {
        "fence": {(Generation, "_fence"): _fences_nothing},
        "looks": {(Work, "renew"): _renews_anyway, (Work, "holds"): _holds_anyway},
        "duty": {(DutyKeeper, "has"): _has_every_duty},
        "holds": {(Transaction, "hold"): _holds_nothing},
        "sql": {(Transaction, "execute"): _executes_without_fence},
        "stops": {(Work, "_published"): _stops_before_the_commit},
    }
)
"""Changes by name: guards, and last a freeze of the process between upload and commit."""


if __name__ == "__main__":
    for _change in sys.argv.pop(1).split(","):
        for (_owner, _name), _replacement in CHANGES[_change].items():
            setattr(_owner, _name, _replacement)
    script()
