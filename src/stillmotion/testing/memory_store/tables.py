"""Tables of the store in memory."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime

from stillmotion.application.ports.reads import SharedWindow
from stillmotion.application.ports.store import Changed, Told, unwatched
from stillmotion.application.ports.values import Clock
from stillmotion.domain.callbacks import Delivery, DeliveryAttempt
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation
from stillmotion.domain.history.links import SharedLink
from stillmotion.domain.models.holdings import Holding, ModelWish
from stillmotion.domain.models.pulls import Pull
from stillmotion.domain.operators.actions import OperatorAction
from stillmotion.domain.operators.duties import Duty, Tenure
from stillmotion.domain.operators.processes import ProcessReport
from stillmotion.domain.operators.queue_controls import NO_CONTROLS, QueueControls
from stillmotion.domain.quotas import RateWindow
from stillmotion.domain.record.attempts import AttemptRecord
from stillmotion.domain.record.outlook import RenderTime, WorkKind
from stillmotion.domain.record.usage import UsageEntry
from stillmotion.domain.subscriptions import Key, Product, Session, Subscription
from stillmotion.domain.uploads import Upload


@dataclass
class MemoryTables:
    """The rows of every port, and the readings that several ports share."""

    clock: Clock
    changed: Told = unwatched
    ended: Changed = unwatched
    _generations: dict[str, Generation] = field(default_factory=dict)
    _windows: dict[str, RateWindow] = field(default_factory=dict)
    _used_seconds: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    _idempotency: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    _digests: dict[str, bytes] = field(default_factory=dict)
    _lines: dict[str, Line] = field(default_factory=dict)
    _virtual_time: int = 0
    _deliveries: dict[str, Delivery] = field(default_factory=dict)
    _attempts: defaultdict[str, dict[tuple[int, int], DeliveryAttempt]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    _records: defaultdict[str, list[AttemptRecord]] = field(default_factory=lambda: defaultdict(list))
    _times: dict[WorkKind, RenderTime] = field(default_factory=dict)
    _paces: dict[str, RenderTime] = field(default_factory=dict)
    _links: dict[str, SharedLink] = field(default_factory=dict)
    _removals: list[str] = field(default_factory=list)
    _products: dict[str, Product] = field(default_factory=dict)
    _subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _keys: dict[bytes, Key] = field(default_factory=dict)
    _access_version: int = 0
    _usage: dict[tuple[str, date, str, str], UsageEntry] = field(default_factory=dict)
    _sessions: dict[bytes, Session] = field(default_factory=dict)
    _first_links: dict[bytes, datetime] = field(default_factory=dict)
    _uploads: dict[str, Upload] = field(default_factory=dict)
    _controls: QueueControls = NO_CONTROLS
    _actions: dict[str, OperatorAction] = field(default_factory=dict)
    _processes: dict[str, ProcessReport] = field(default_factory=dict)
    _watched_until: dict[str, datetime] = field(default_factory=dict)
    _read_windows: dict[str, SharedWindow] = field(default_factory=dict)
    _duties: dict[Duty, Tenure] = field(default_factory=dict)
    _moved: dict[str, int | datetime] = field(default_factory=dict)
    _wishes: dict[str, ModelWish] = field(default_factory=dict)
    _holdings: dict[str, tuple[datetime, tuple[Holding, ...]]] = field(default_factory=dict)
    _pulls: dict[str, Pull] = field(default_factory=dict)
    _samples: defaultdict[tuple[str, tuple[str, ...]], float] = field(default_factory=lambda: defaultdict(float))
    epoch: int = 0

    def _unfinished(self, owner: str) -> int:
        return sum(each.subscription_id == owner and not each.is_terminal for each in self._generations.values())

    def _line(self, owner: str) -> Line:
        return self._lines.get(owner) or Line(0, 0, self.clock.now())
