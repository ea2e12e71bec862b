"""The Dream Machine's camera concepts, by their wire keys: the words that every engine is asked in."""

HONOURED = (
    "static", "push_in", "pull_out", "zoom_in", "zoom_out", "pan_left", "pan_right", "tilt_up", "tilt_down",
    "truck_left", "truck_right", "pedestal_up", "pedestal_down", "orbit_left", "orbit_right", "crane_up", "crane_down",
    "roll_left", "roll_right", "dolly_zoom", "handheld",
)  # fmt: skip
"""Moves that engines carry out as they are named."""

SUGGESTED = (
    "aerial", "aerial_drone", "bolt_cam", "pov", "selfie", "elevator_doors", "tiny_planet", "low_angle", "high_angle",
    "eye_level", "ground_level", "overhead", "over_the_shoulder",
)  # fmt: skip
"""Concepts that a similar move only suggests; the plan says so."""

CONCEPTS = frozenset(HONOURED + SUGGESTED)


def phrase(concept: str) -> str:
    """A concept as words for a prompt: "camera orbit left"."""
    return f"camera {concept.replace('_', ' ')}"
