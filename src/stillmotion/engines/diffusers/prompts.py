"""Camera concepts as prompt sentences, in the terms of each family's training captions."""

from collections.abc import Mapping, Sequence
from typing import Final

from stillmotion.domain.camera_concepts import phrase

PLAIN: Final[Mapping[str, str]] = {
    "static": "The camera stays still.",
    "push_in": "The camera slowly pushes in.",
    "pull_out": "The camera slowly pulls back.",
    "zoom_in": "The camera zooms in.",
    "zoom_out": "The camera zooms out.",
    "pan_left": "The camera pans to the left.",
    "pan_right": "The camera pans to the right.",
    "tilt_up": "The camera tilts up.",
    "tilt_down": "The camera tilts down.",
    "truck_left": "The camera moves sideways to the left.",
    "truck_right": "The camera moves sideways to the right.",
    "pedestal_up": "The camera rises straight up.",
    "pedestal_down": "The camera sinks straight down.",
    "orbit_left": "The camera circles around the subject to the left.",
    "orbit_right": "The camera circles around the subject to the right.",
    "crane_up": "The camera rises on a crane, looking down.",
    "crane_down": "The camera comes down on a crane.",
    "roll_left": "The camera rolls to the left.",
    "roll_right": "The camera rolls to the right.",
    "dolly_zoom": "Dolly zoom: the subject keeps its size while the background stretches away.",
    "handheld": "Handheld camera with a slight shake.",
    "aerial": "Aerial view from high above.",
    "aerial_drone": "Aerial shot from a drone that flies forward.",
    "bolt_cam": "A fast robotic camera move.",
    "pov": "First-person view.",
    "selfie": "Selfie, held at arm's length.",
    "elevator_doors": "Elevator doors slide open on the scene.",
    "tiny_planet": "Tiny planet view, the ground curled into a ball.",
    "low_angle": "Low angle shot.",
    "high_angle": "High angle shot.",
    "eye_level": "Eye-level shot.",
    "ground_level": "Ground-level shot.",
    "overhead": "Overhead shot, straight down.",
    "over_the_shoulder": "Over-the-shoulder shot.",
}
"""Sentences for families without terms of their own."""

WAN: Final[Mapping[str, str]] = {
    "static": "Fixed shot.",
    "push_in": "Camera pushes in.",
    "pull_out": "Camera pulls back.",
    "pan_left": "Camera pans left.",
    "pan_right": "Camera pans right.",
    "tilt_up": "Camera tilts up.",
    "tilt_down": "Camera tilts down.",
    "truck_left": "Tracking shot to the left.",
    "truck_right": "Tracking shot to the right.",
    "orbit_left": "Arc shot, the camera orbits the subject to the left.",
    "orbit_right": "Arc shot, the camera orbits the subject to the right.",
    "handheld": "Handheld camera.",
}
"""Terms of Wan's own prompt guide, where it has one for the move: https://github.com/Wan-Video/Wan2.2."""


def with_camera(prompt: str, concepts: Sequence[str], own: Mapping[str, str] = PLAIN) -> str:
    """The prompt, followed by a sentence for each concept; `own` are the family's terms and come before `PLAIN`."""
    sentences = [own.get(each) or PLAIN.get(each) or f"{phrase(each).capitalize()}." for each in concepts]
    spoken = prompt.strip()
    if spoken and sentences and spoken[-1] not in ".!?…。":
        spoken += "."
    return " ".join(filter(None, (spoken, *sentences)))
