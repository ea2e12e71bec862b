"""Report bundle for a helper: the state of the service in one file, without secrets and without customers' words."""

import io
import platform
import re
import zipfile
from collections.abc import Mapping
from importlib.metadata import distributions
from typing import Any, Final

import msgspec

from stillmotion.application.administration import Administration
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Unfiltered
from stillmotion.http.server.replies import NO_STORE, Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Pieces
from stillmotion.http.surfaces.admin.operations import office_operation
from stillmotion.http.surfaces.admin.rooms.actions import action_info
from stillmotion.http.surfaces.admin.rooms.evidence import request_info, setting_info
from stillmotion.http.surfaces.admin.rooms.status import checked_parts, failures_info, status_info
from stillmotion.http.surfaces.admin.rooms.workers import worker_info

NAME: Final = "stillmotion-report.zip"
ACTIONS: Final = 200
FAILURE_DAYS: Final = 7

_CREDENTIALS: Final = re.compile(r"(?<=//)[^/\s\"@]+@")
"""Name and password in a URL. No setting of ours asks for any, but an address may have them all the same."""

_ABOUT: Final = """A report of a Stillmotion service, for whoever helps its operator.

It has no key, no secret, and nothing that a customer wrote or sent.

status.json     the checks, the queue, and how long things took
settings.json   every setting and its source; secrets only as set or not
workers.json    the processes that render
failures.json   the reasons of the last week's failures
requests.json   the last requests, without their bodies and queries
actions.json    what administrators did
versions.json   Python, the system and the installed packages
"""


async def get_report(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """The bundle."""
    del asked
    status = await office.status.now(await checked_parts(call.services))
    parts: Mapping[str, Any] = {
        "status": status_info(status),
        "settings": [setting_info(each) for each in call.services.settings],
        "workers": [worker_info(each) for each in await office.registry.workers()],
        "failures": await failures_info(office, call.services.clock.now(), FAILURE_DAYS),
        "requests": [request_info(each) for each in call.services.recent.find()],
        "actions": [action_info(each) for each in await office.log.latest(None, ACTIONS)],
        "versions": versions(call.services.version),
    }
    return OperationResult(b"", streamed_by=_Bundle(bundled(parts)))


def versions(own: str) -> Mapping[str, Any]:
    """Versions of this program, of Python, of the system and of the installed packages."""
    packages = {each.metadata["Name"]: each.version for each in distributions()}
    return {
        "stillmotion": own,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": dict(sorted(packages.items())),
    }


def bundled(parts: Mapping[str, Any]) -> bytes:
    """A zip with a JSON file for each part."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.txt", _ABOUT)
        for name, part in parts.items():
            text = msgspec.json.format(msgspec.json.encode(part), indent=2).decode()
            bundle.writestr(f"{name}.json", _CREDENTIALS.sub("", text))
    return written.getvalue()


class _Bundle:
    """Opener of the answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self, request: Request) -> tuple[Reply, Pieces | None]:
        """The whole answer."""
        del request
        named = ("Content-Disposition", f'attachment; filename="{NAME}"')
        return Reply(200, self._body, [("Content-Type", "application/zip"), NO_STORE, named]), None


REPORT_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "getReport",
        "GET",
        "report",
        "Download a report for whoever helps",
        description="A zip with the status, the settings, the last requests and more: no key, no secret, no prompt.",
        wire=Unfiltered,
        answer=None,
        media_types=("application/zip",),
        answered="The zip.",
        handle=get_report,
    ),
)
