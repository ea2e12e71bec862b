"""The administration's surface."""

from stillmotion.application.administration import Administration
from stillmotion.domain.errors import NotAuthenticated, Reason
from stillmotion.http.edge.operation import Call, Surface
from stillmotion.http.edge.refusals import EndpointNotFound
from stillmotion.http.server.replies import Headers
from stillmotion.http.surfaces.admin.operations import BASE
from stillmotion.http.surfaces.admin.refusals import PROBLEMS
from stillmotion.http.surfaces.admin.rooms.actions import ACTION_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.callbacks import CALLBACK_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.events import EVENT_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.evidence import EVIDENCE_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.generations import GENERATION_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.models import MODEL_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.products import PRODUCT_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.queue import QUEUE_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.report import REPORT_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.status import STATUS_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.subscriptions import SUBSCRIPTION_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.usage import USAGE_OPERATIONS
from stillmotion.http.surfaces.admin.rooms.workers import WORKER_OPERATIONS

_SCHEME = "bearer "


def key_of(headers: Headers, query: bytes) -> str | None:
    """The bearer token; None without the header, empty in another scheme. Raises `NotAuthenticated` for several."""
    del query
    sent = headers.getall("Authorization", ())
    if len(sent) > 1:
        raise NotAuthenticated("there is more than one Authorization header", Reason.SEVERAL_KEYS)
    if not sent:
        return None
    return sent[0][len(_SCHEME) :].strip() if sent[0].lower().startswith(_SCHEME) else ""


def admit(call: Call, key: str | None) -> Administration:
    """Authenticate the operator, by the key of the settings or by a session.

    Raises as `AdminAccess.authenticate` does, and `EndpointNotFound` where neither exists.
    """
    access = call.services.admin
    if access is not None and access.admits(call.visit):
        return access.administration
    if access is None or not access.key:
        raise EndpointNotFound("there is no administration here")
    return access.authenticate(key, call.address)


ADMIN = Surface(
    name="admin",
    key_of=key_of,
    problems=PROBLEMS,
    security_schemes={"adminKey": {"type": "http", "scheme": "bearer"}},
    base=BASE,
    admit=admit,
    operations=(
        *PRODUCT_OPERATIONS,
        *SUBSCRIPTION_OPERATIONS,
        *MODEL_OPERATIONS,
        *QUEUE_OPERATIONS,
        *GENERATION_OPERATIONS,
        *WORKER_OPERATIONS,
        *STATUS_OPERATIONS,
        *CALLBACK_OPERATIONS,
        *USAGE_OPERATIONS,
        *EVIDENCE_OPERATIONS,
        *REPORT_OPERATIONS,
        *EVENT_OPERATIONS,
        *ACTION_OPERATIONS,
    ),
)
