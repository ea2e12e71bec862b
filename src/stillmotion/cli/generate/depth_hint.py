"""A line for those whose clips moved by an estimate of depth: it names the network that would tell it."""

import json
from collections.abc import Callable
from typing import Any, Final

from stillmotion.adapters.models.depth_network import DEFAULT, FILES, LICENCE, TITLE
from stillmotion.composition.depth import INSTALL, has_runtime, pull_command
from stillmotion.config import Settings

_BY_A_MODEL: Final = "model "
_TOLD: Final = frozenset({"none", "image"})
"""Sources of depth in a plan that are no estimate: of a drawing, which has none, and of a depth image."""
_WITHOUT_PARALLAX: Final = frozenset(
    {"static", "zoom_in", "zoom_out", "pan_left", "pan_right", "tilt_up", "tilt_down", "roll_left", "roll_right"}
)


class DepthHint:
    """Watch over the plans of a command's clips; one line at its end."""

    def __init__(self, settings: Settings) -> None:
        # A setting, of a model or of none, means that the choice was made.
        self._may_be_given = not settings.depth_model
        self._is_due = False

    def see(self, plan: str) -> None:
        """Take notice of a clip's plan (JSON)."""
        self._is_due = self._is_due or moves_by_estimate(plan)

    def tell(self, echo: Callable[[str], Any]) -> None:
        """Give the line to `echo` if a clip was one that the network would change."""
        if self._is_due and self._may_be_given:
            echo(hint())


def hint() -> str:
    """The line: the change that the network makes, and the commands that fetch it."""
    command = pull_command(DEFAULT) if has_runtime() else f"{INSTALL} && {pull_command(DEFAULT)}"
    return (
        f"Depth was estimated, with soft outlines. {TITLE} tells where things end, so that near ones can "
        f"move before far ones: {command} ({FILES[DEFAULT].megabytes:.0f} MB, {LICENCE}, once)."
    )


def moves_by_estimate(plan: str) -> bool:
    """True for the plan of a clip whose camera shows depth, where the depth is an estimate."""
    try:
        known = json.loads(plan)
        depth, moves = known["depth"], {move for segment in known["moves"] for move in segment}
    except (ValueError, KeyError, TypeError):
        return False
    is_estimate = isinstance(depth, str) and depth not in _TOLD and not depth.startswith(_BY_A_MODEL)
    return is_estimate and not moves <= _WITHOUT_PARALLAX
