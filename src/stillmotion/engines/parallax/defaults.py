"""Defaults for all that a prompt leaves open, from the picture: directions, and the move if none was asked for."""

from collections.abc import Mapping
from dataclasses import replace

from stillmotion.engines.parallax.analysis.persons import everybody
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.language.plan import Ignored, MotionPlan, Segment, spoken
from stillmotion.engines.parallax.language.vocabulary import ANY_MOVE, UNDIRECTED

GENTLE = 0.7
"""Strength of a move that nobody asked for."""
CALM = 0.45
"""The same if the subject or its surroundings are to move: the camera only comes a little closer."""
ON_A_PLANE: Mapping[str, str] = {
    "crane_up": "pedestal_up",
    "crane_down": "pedestal_down",
    "dolly_zoom": "zoom_in",
}
"""Substitutes on a flat picture for moves that need depth."""
OVER_A_GUESS: Mapping[str, str] = {**ON_A_PLANE, "aerial": "pedestal_up", "over_the_shoulder": "push_in"}
"""Substitutes for moves that look wrong where depth is only guessed and nobody can be cut out."""
FULL_FACE = 0.12
"""Area of a face, as a fraction of the picture, from which the camera comes no closer."""


def settled(plan: MotionPlan, scene: Scene, width: int, height: int) -> MotionPlan:
    """The plan with every move and direction named. `width` and `height` are the clip's, in pixels."""
    if not plan.segments:
        if plan.subject or plan.ambient:
            quiet = "zoom_in" if scene.is_flat_art else "push_in"
            return replace(plan, segments=(Segment((quiet,)),), camera_strength=CALM, chosen=True)
        moves = (_gentle(scene, width, height),)
        return replace(plan, segments=(Segment(moves),), camera_strength=GENTLE, chosen=True)
    directed = tuple(
        Segment(tuple(dict.fromkeys(_directed(move, scene, width, height) for move in segment.moves)))
        for segment in plan.segments
    )
    chosen = any(move in UNDIRECTED for move in plan.camera_moves())
    return _replaced(replace(plan, segments=directed, chosen=chosen), scene)


def _replaced(plan: MotionPlan, scene: Scene) -> MotionPlan:
    """The plan with moves replaced that need more depth than is known, each replacement noted."""
    if scene.is_flat_art:
        substitutes, reason = ON_A_PLANE, "a drawing or text has no depth"
    elif is_in_layers(scene):
        return plan
    else:
        substitutes, reason = OVER_A_GUESS, _why_not(scene)
    swapped = [move for move in plan.camera_moves() if move in substitutes]
    segments = (dict.fromkeys(substitutes.get(move, move) for move in part.moves) for part in plan.segments)
    return replace(
        plan,
        segments=tuple(Segment(tuple(moves)) for moves in segments),
        approximated=tuple(move for move in plan.approximated if move not in swapped),
        ignored=(
            *plan.ignored,
            *(Ignored(spoken(move), f"{reason}: {spoken(substitutes[move])} instead") for move in swapped),
        ),
    )


def _why_not(scene: Scene) -> str:
    """Reason why the picture's depth does not do for a move that goes far round things."""
    if scene.depth is None or scene.depth.raw is None:
        return "the depth of this picture is only guessed (give it, or pull a depth model)"
    return "the depth that came with this picture has no outlines where the picture has them"


def is_in_layers(scene: Scene) -> bool:
    """True if what is near can be told from what is behind it: by known depth, or by the outline of a person."""
    if scene.depth is not None and scene.depth.is_layered:
        return True
    return everybody(scene) is not None


def _gentle(scene: Scene, width: int, height: int) -> str:
    """A gentle move: in on a person or a thing, across a view, around a face that fills the picture."""
    if scene.is_flat_art:
        return "zoom_in"
    if scene.faces:
        return "push_in" if scene.faces[0].area < FULL_FACE else "orbit_right"
    # Landscapes: wide ones are crossed, tall ones are risen through.
    if float(scene.sky.mean()) > 0.2 and width > 1.2 * height:
        return "truck_right" if scene.focus[0] >= 0.5 else "truck_left"
    if float(scene.sky.mean()) > 0.2 and height > 1.2 * width:
        return "pedestal_up"
    return "push_in"


def _directed(move: str, scene: Scene, width: int, height: int) -> str:
    """The move with a direction: sideways towards the focus, up from a low subject, otherwise down."""
    if move == ANY_MOVE:
        return _gentle(scene, width, height)
    if move not in UNDIRECTED:
        return move
    if move in {"tilt", "pedestal", "crane"}:
        return f"{move}_up" if scene.focus[1] >= 0.45 else f"{move}_down"
    return f"{move}_left" if scene.focus[0] < 0.5 else f"{move}_right"
