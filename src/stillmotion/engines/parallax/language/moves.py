"""Camera moves by name, each as the pose that it ends at."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Pose:
    """A camera's offset from the viewpoint of the picture; all zero is the picture itself.

    Lengths are in frame widths at the nearest surface, angles in radians. `orbit` and `rise` move sideways and up while
    the camera keeps looking at the pivot. `vertigo` moves back while the lens zooms in so that the pivot keeps its size
    (dolly zoom). `zoom` is the natural logarithm of the magnification.
    """

    right: float = 0.0
    up: float = 0.0
    forward: float = 0.0
    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    zoom: float = 0.0
    orbit: float = 0.0
    rise: float = 0.0
    vertigo: float = 0.0
    shake: float = 0.0


MOVES: Mapping[str, Pose] = {
    "static": Pose(),
    "push_in": Pose(forward=0.22),
    "pull_out": Pose(forward=-0.22),
    "zoom_in": Pose(zoom=0.24),
    "zoom_out": Pose(zoom=-0.24),
    "pan_left": Pose(pan=-0.085),
    "pan_right": Pose(pan=0.085),
    "tilt_up": Pose(tilt=0.07),
    "tilt_down": Pose(tilt=-0.07),
    "truck_left": Pose(right=-0.085),
    "truck_right": Pose(right=0.085),
    "pedestal_up": Pose(up=0.07),
    "pedestal_down": Pose(up=-0.07),
    "orbit_left": Pose(orbit=-0.0845, rise=0.012),
    "orbit_right": Pose(orbit=0.0845, rise=0.012),
    "crane_up": Pose(rise=0.045, up=0.04),
    "crane_down": Pose(rise=-0.045, up=-0.04),
    "roll_left": Pose(roll=-0.13),
    "roll_right": Pose(roll=0.13),
    "dolly_zoom": Pose(vertigo=0.4),
    "handheld": Pose(shake=0.024, forward=0.15),
    "aerial": Pose(forward=0.12, rise=0.05),
    "aerial_drone": Pose(forward=0.14, orbit=0.05),
    "bolt_cam": Pose(forward=0.26, right=0.04),
    "pov": Pose(forward=0.18, shake=0.006),
    "selfie": Pose(forward=0.06, orbit=0.03, shake=0.006),
    "elevator_doors": Pose(forward=0.16),
    "tiny_planet": Pose(roll=0.12, zoom=0.16),
    "low_angle": Pose(forward=0.10, rise=-0.03),
    "high_angle": Pose(forward=0.10, rise=0.03),
    "eye_level": Pose(forward=0.12),
    "ground_level": Pose(forward=0.10, rise=-0.04),
    "overhead": Pose(forward=0.12, roll=0.02),
    "over_the_shoulder": Pose(forward=0.10, right=0.02),
}
"""The pose at the end of each move, at ordinary strength."""

APPROXIMATED = frozenset(
    {"aerial", "aerial_drone", "bolt_cam", "pov", "selfie", "elevator_doors", "tiny_planet"}
    | {"low_angle", "high_angle", "eye_level", "ground_level", "overhead", "over_the_shoulder"}
)
"""Moves that a single picture can only suggest."""

COLUMNS: Mapping[str, int] = {field.name: index for index, field in enumerate(fields(Pose))}


def velocity_fields() -> tuple[str, ...]:
    """Names of the pose's fields that carry over from clip to clip: all but the hand-held sway."""
    return tuple(name for name in COLUMNS if name != "shake")
