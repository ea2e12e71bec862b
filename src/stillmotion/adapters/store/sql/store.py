"""Every store port over one SQL database."""

from stillmotion.adapters.store.sql.access import SqlSubscriptions
from stillmotion.adapters.store.sql.connections import Reader, Writer
from stillmotion.adapters.store.sql.deliveries import SqlCallbacks
from stillmotion.adapters.store.sql.generations import SqlGenerations
from stillmotion.adapters.store.sql.history.failures import SqlFailures
from stillmotion.adapters.store.sql.history.links import SqlLinks
from stillmotion.adapters.store.sql.history.lists import SqlLists
from stillmotion.adapters.store.sql.metrics import SqlMetrics
from stillmotion.adapters.store.sql.operators.activity import SqlActivity
from stillmotion.adapters.store.sql.operators.controls import SqlOperators
from stillmotion.adapters.store.sql.operators.duties import SqlDuties
from stillmotion.adapters.store.sql.operators.everybodys import SqlEverybodys
from stillmotion.adapters.store.sql.operators.processes import SqlProcesses
from stillmotion.adapters.store.sql.operators.reads import SqlReads
from stillmotion.adapters.store.sql.retention import SqlRetention
from stillmotion.adapters.store.sql.sessions import SqlSessions
from stillmotion.adapters.store.sql.uploads import SqlUploads
from stillmotion.adapters.store.sql.usage import SqlUsage
from stillmotion.adapters.store.sql.workers.models import SqlModels
from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.ports.store import Changed, Told, unwatched
from stillmotion.application.ports.values import Clock


class SqlStore(
    SqlGenerations,
    SqlLists,
    SqlFailures,
    SqlLinks,
    SqlSubscriptions,
    SqlCallbacks,
    SqlRetention,
    SqlUploads,
    SqlOperators,
    SqlEverybodys,
    SqlProcesses,
    SqlDuties,
    SqlReads,
    SqlActivity,
    SqlSessions,
    SqlUsage,
    SqlMetrics,
    SqlModels,
):
    """All store ports, over a writer and a reader of one database."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        clock: Clock,
        schema: int,
        changed: Told = unwatched,
        fault: Fault = no_fault,
        ended: Changed = unwatched,
    ) -> None:
        SqlGenerations.__init__(self, writer, reader, clock, changed, fault, ended)
        SqlLists.__init__(self, reader)
        SqlFailures.__init__(self, reader)
        SqlLinks.__init__(self, writer, reader)
        SqlSubscriptions.__init__(self, writer, reader)
        SqlCallbacks.__init__(self, writer, reader)
        SqlRetention.__init__(self, reader)
        SqlUploads.__init__(self, writer, reader)
        SqlOperators.__init__(self, writer, reader)
        SqlEverybodys.__init__(self, writer, reader)
        SqlProcesses.__init__(self, writer, reader, schema)
        SqlDuties.__init__(self, writer)
        SqlReads.__init__(self, writer)
        SqlActivity.__init__(self, reader)
        SqlSessions.__init__(self, writer, reader)
        SqlUsage.__init__(self, reader)
        SqlMetrics.__init__(self, writer, reader)
        SqlModels.__init__(self, writer, reader)
