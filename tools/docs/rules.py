"""The numbers that the code holds itself and its callers to."""

from datetime import timedelta

from stillmotion.adapters import notifications
from stillmotion.application import access, administration, download_urls, leases
from stillmotion.domain import callbacks, generation, quotas, request, uploads
from stillmotion.domain.file_types import pictures
from stillmotion.http.edge.services import EDGE_TIMING
from stillmotion.http.parsing import body, multipart, strict_json
from tools.docs.markdown import literal, table


def limits() -> str:
    """Each number beside the name it goes by in the code."""
    rows = [
        ("Prompt", f"1 to {request.PROMPT_MAX_CHARACTERS} characters", "domain/request.py"),
        ("URL", f"{request.URL_MAX_CHARACTERS} characters", "domain/request.py"),
        ("Clip", f"{request.MIN_SECONDS:g} to {request.MAX_SECONDS:g} s", "domain/request.py"),
        ("Body without a picture in it", _mib(body.PLAIN_CAP), "http/parsing/body.py"),
        ("Body with a data URI", _mib(body.PICTURES_CAP), "http/parsing/body.py"),
        ("Form with a file in it", _mib(multipart.FORM_CAP), "http/parsing/multipart.py"),
        ("Picture", _mib(pictures.MAX_PICTURE_BYTES), "domain/file_types/pictures.py"),
        ("Upload", f"kept for {_seconds(uploads.KEPT_FOR)}", "domain/uploads.py"),
        (
            "Uploads of a subscription",
            f"{uploads.MAX_KEPT} at once, {_mib(uploads.MAX_KEPT_BYTES)} together",
            "domain/uploads.py",
        ),
        ("Streams of one generation", f"{notifications.MAX_WATCHES} at once", "adapters/notifications.py"),
        ("Silence in a stream", f"{_seconds(EDGE_TIMING.heartbeat)}, then a comment", "http/edge/services.py"),
        ("JSON nesting", f"{strict_json.MAX_DEPTH} deep", "http/parsing/strict_json.py"),
        ("Rate window", f"{_seconds(quotas.WINDOW)} from its first request", "domain/quotas.py"),
        ("A blind retry", f"within {_seconds(quotas.RETRIED_WITHIN)} of its submit", "domain/quotas.py"),
        (
            "Wrong keys of the operator",
            f"{administration.WRONG_KEYS_PER_MINUTE} a minute",
            "application/administration.py",
        ),
        ("Lease of a worker", f"{_seconds(leases.LEASE)}, renewed while it renders", "application/leases.py"),
        ("Failed attempts", f"{generation.MAX_FAILURES}, then `failed`", "domain/generation.py"),
        ("Lost attempts", f"{generation.MAX_LOSSES} with their worker, then `failed`", "domain/generation.py"),
        (
            "Download URL",
            f"{_seconds(download_urls.LIFETIME)}; a fresh one at each poll",
            "application/download_urls.py",
        ),
        ("Answer to a callback", f"a 2xx within {_seconds(callbacks.ANSWER_DEADLINE)}", "domain/callbacks.py"),
        ("A revoked key may still work", f"{access.CHECK_SECONDS:g} s", "application/access.py"),
    ]
    head = ("What", "How much", "Where it is decided")
    return table(head, [(what, much, literal(f"src/stillmotion/{path}")) for what, much, path in rows])


def _mib(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def _seconds(time: timedelta) -> str:
    seconds = time.total_seconds()
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds:g} s"
