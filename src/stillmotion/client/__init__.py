"""The client of a Stillmotion server: `Client` and `AsyncClient` over one core that does no I/O of its own.

::

    from stillmotion import Client

    client = Client("http://127.0.0.1:8080", key="sm_...")
    client.download(client.generate("photo.jpg", "leaning girl"), "clip.mp4")
"""

from stillmotion.client.account import Account, AccountKey, AccountLimit, NewKey, NewSecret, UsageAmounts, UsageTable
from stillmotion.client.administration import AdminCalls
from stillmotion.client.asynchronous import AsyncClient
from stillmotion.client.callback_log import (
    CallbackList,
    CallbackRecord,
    CallbackTestOutcome,
    CallbackTry,
    ForwardedMessage,
)
from stillmotion.client.callbacks import verify_callback
from stillmotion.client.errors import (
    AccessDenied,
    BadAnswer,
    CallbackNotVerified,
    ClientError,
    FileRefused,
    FileUnwritable,
    GenerationFailed,
    ImageUnreadable,
    InvalidRequest,
    NoAnswer,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ServerRefused,
    ServerTrouble,
    StillRunning,
)
from stillmotion.client.generation import Generation, GenerationEvent, Page
from stillmotion.client.history import ClipLink, FailureSummary, Filters
from stillmotion.client.images import Image
from stillmotion.client.offers import ClipPlan, ModelOffer
from stillmotion.client.steps import Waiting
from stillmotion.client.synchronous import Client
from stillmotion.client.wire import Options

__all__ = [
    "AccessDenied",
    "Account",
    "AccountKey",
    "AccountLimit",
    "AdminCalls",
    "AsyncClient",
    "BadAnswer",
    "CallbackList",
    "CallbackNotVerified",
    "CallbackRecord",
    "CallbackTestOutcome",
    "CallbackTry",
    "Client",
    "ClientError",
    "ClipLink",
    "ClipPlan",
    "FailureSummary",
    "FileRefused",
    "FileUnwritable",
    "Filters",
    "ForwardedMessage",
    "Generation",
    "GenerationEvent",
    "GenerationFailed",
    "Image",
    "ImageUnreadable",
    "InvalidRequest",
    "ModelOffer",
    "NewKey",
    "NewSecret",
    "NoAnswer",
    "NotAuthenticated",
    "NotFound",
    "Options",
    "Page",
    "RateLimited",
    "ServerRefused",
    "ServerTrouble",
    "StillRunning",
    "UsageAmounts",
    "UsageTable",
    "Waiting",
    "verify_callback",
]
