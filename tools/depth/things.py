"""Things made of boxes, ellipsoids and cones: people, animals, trees, flowers, cars, furniture, crockery."""

from typing import Any

import numpy as np

from tools.depth.raycast import Skin, Stage, risen, turned
from tools.depth.textures import Draw, Texture

SKINS = ((241, 207, 184), (224, 178, 145), (198, 145, 108), (141, 92, 62), (92, 58, 40))
"""Complexions, RGB."""


def _floats(more: dict[str, float]) -> dict[str, float]:
    """Plain numbers, which do not turn single precision into double as numpy's do."""
    return {name: float(value) for name, value in more.items()}


class Shop:
    """Skins and things drawn by chance from one bank of textures."""

    def __init__(self, textures: dict[str, list[Texture]], draw: Draw) -> None:
        self.textures, self.draw = textures, draw

    def skin(self, kinds: str, tile: float = 1.0, tint: Any = None, **more: float) -> Skin:
        """A skin of one of the kinds of texture (names parted by spaces)."""
        kind = str(self.draw.choice(kinds.split()))
        texture = self.textures[kind][self.draw.integers(len(self.textures[kind]))]
        tone = self.draw.uniform(0.8, 1.2, 3) * self.draw.uniform(0.7, 1.15) if tint is None else np.asarray(tint)
        return Skin(texture, float(tile * self.draw.uniform(0.7, 1.5)), tone.astype(np.float32), **_floats(more))

    def painted(self, colour: Any, **more: float) -> Skin:
        """A skin of nearly one colour (0 to 1)."""
        texture = self.textures["plain"][0]
        own = texture.pixels[-1] + 1e-3
        return Skin(texture, 1.0, (np.asarray(colour) / own).astype(np.float32), **_floats(more))

    def green(self) -> Any:
        """Tint of a plant: mostly green, at times the colours of autumn."""
        autumn = self.draw.random() < 0.2
        low, high = ((0.6, 0.3, 0.05), (1.0, 0.6, 0.2)) if autumn else ((0.15, 0.35, 0.05), (0.55, 0.75, 0.3))
        return self.draw.uniform(low, high)

    def leafy(self, tile: float, **more: float) -> Skin:
        """Foliage."""
        texture = self.textures["leaves"][self.draw.integers(len(self.textures["leaves"]))]
        own = texture.pixels[-1] + 0.15
        return Skin(texture, float(tile), (0.9 * self.green() / own).astype(np.float32), **_floats(more))

    def person(self, stage: Stage, foot: Any, height: float, facing: float | None = None) -> None:
        """A standing or walking person, mostly with the face towards the camera."""
        draw = self.draw
        yaw = draw.normal(0, 0.5) if facing is None else facing
        turn = turned(yaw)
        stage.stands(foot, 0.16 * height, height)

        def put(place: tuple[float, float, float], radii: Any, skin: Skin, roll: float = 0.0) -> None:
            at = foot + turn @ (np.array(place) * height)
            stage.ellipsoid(at, np.asarray(radii) * height, skin, turn @ turned(0, 0, roll))

        flesh = self.painted(np.array(SKINS[draw.integers(len(SKINS))]) / 255 * draw.uniform(0.85, 1.05))
        top = self.skin("plain stripes grain print tiles plain", 0.4)
        low = self.skin("plain grain", 0.5)
        hair = self.skin("fur grass", 0.15, tint=draw.choice([0.25, 0.5, 1.0]) * np.array([0.8, 0.6, 0.45]))
        self._legs(put, low, flesh)
        wide = draw.uniform(0.095, 0.125)
        put((0, 0.68, 0), (wide, 0.17, 0.072), top)
        put((0, 0.79, 0), (wide * 1.15, 0.045, 0.06), top)
        put((0, 0.55, 0), (wide * 0.95, 0.08, 0.075), low)
        for side in (-1, 1):
            swing = draw.uniform(-0.1, 0.5) * side
            elbow = (side * (wide + 0.03 + 0.06 * abs(swing)), 0.66, -0.02)
            put(elbow, (0.028, 0.125, 0.032), top if draw.random() < 0.7 else flesh, swing)
            bent = draw.random() < 0.4
            hand = (side * wide * 0.6, 0.6, -0.1) if bent else (elbow[0] * 1.15, 0.52, -0.03)
            put(hand, (0.085 if bent else 0.024, 0.024 if bent else 0.09, 0.026), flesh)
        put((0, 0.855, 0), (0.032, 0.05, 0.032), flesh)
        self._head(put, flesh, hair)

    def _legs(self, put: Any, low: Skin, flesh: Skin) -> None:
        apart = self.draw.uniform(0.035, 0.06)
        skirt = self.draw.random() < 0.25
        for side in (-1, 1):
            step = self.draw.uniform(-0.06, 0.06)
            put((side * apart, 0.4, step / 2), (0.05, 0.16, 0.055), low)
            put((side * apart, 0.17, step), (0.036, 0.18, 0.04), flesh if skirt else low)
            put((side * apart, 0.02, step - 0.03), (0.03, 0.02, 0.07), self.painted(self.draw.random(3) * 0.4))

    def _head(self, put: Any, flesh: Skin, hair: Skin) -> None:
        draw = self.draw
        put((0, 0.93, 0), (0.047, 0.065, 0.055), flesh)
        put((0, 0.945, 0.014), (0.053, 0.062, 0.056), hair)
        if draw.random() < 0.45:
            put((0, 0.88, 0.03), (0.062, 0.1, 0.04), hair)
        dark = self.painted((0.12, 0.08, 0.07))
        for side in (-1, 1):
            put((side * 0.018, 0.94, -0.051), (0.009, 0.0045, 0.004), dark)
            put((side * 0.018, 0.952, -0.05), (0.012, 0.003, 0.004), hair)
        put((0, 0.925, -0.056), (0.007, 0.014, 0.009), flesh)
        put((0, 0.9, -0.05), (0.017, 0.0045, 0.004), self.painted(draw.uniform((0.5, 0.2, 0.2), (0.8, 0.35, 0.35))))
        if draw.random() < 0.12:
            put((0, 0.985, 0), (0.065, 0.02, 0.075), self.skin("plain"))

    def animal(self, stage: Stage, foot: Any, size: float) -> None:
        """A four-legged animal of about `size` metres in length: dog, cat, cow, horse, by its proportions."""
        draw = self.draw
        turn = turned(draw.uniform(-np.pi, np.pi))
        fur = self.skin("fur fur plain grain", 0.4 * size)
        stage.stands(foot, 0.4 * size, 0.7 * size)
        leg = draw.uniform(0.25, 0.6)
        long = draw.uniform(0.38, 0.5)

        def put(place: tuple[float, float, float], radii: Any, skin: Skin, pitch: float = 0.0) -> None:
            at = foot + turn @ (np.array(place) * size)
            stage.ellipsoid(at, np.asarray(radii) * size, skin, turn @ turned(0, pitch, 0))

        thick = draw.uniform(0.13, 0.22)
        put((0, leg + thick, 0), (thick * 0.9, thick, long), fur)
        for side in (-1, 1):
            for end in (-0.75, 0.75):
                put((side * thick * 0.6, leg * 0.55, end * long), (0.045, leg * 0.6, 0.05), fur)
        high, ahead = leg + thick * 2 + draw.uniform(0.02, 0.3), -long - 0.1
        put((0, (leg + thick + high) / 2, (-long + ahead) / 2), (0.08, 0.2, 0.1), fur, 0.5)
        self.muzzle(stage, foot + turn @ (np.array((0, high, ahead)) * size), 0.14 * size, fur, turn)
        put((0, leg + thick * 1.6, long + 0.08), (0.025, 0.025, 0.2), fur, draw.uniform(-0.8, 0.8))

    def muzzle(self, stage: Stage, at: Any, size: float, fur: Skin, turn: Any) -> None:
        """An animal's head of half width `size`: skull, snout, eyes, nose, ears."""

        def put(place: tuple[float, float, float], radii: Any, skin: Skin, roll: float = 0.0) -> None:
            radii = np.asarray(radii) * size
            stage.ellipsoid(at + turn @ (np.array(place) * size), radii, skin, turn @ turned(0, 0, roll))

        draw = self.draw
        put((0, 0, 0), (1, 0.95, 1.05), fur)
        put(
            (0, -0.3, -0.85),
            (0.5, 0.42, draw.uniform(0.35, 0.9)),
            self.skin("fur plain", size) if draw.random() < 0.5 else fur,
        )
        put((0, -0.12, -1.3), (0.16, 0.1, 0.1), self.painted((0.12, 0.08, 0.08)))
        iris = draw.uniform((0.1, 0.1, 0.02), (0.6, 0.6, 0.3))
        for side in (-1, 1):
            put((side * 0.42, 0.15, -0.85), (0.2, 0.17, 0.12), self.painted(iris, gloss=0.5))
            put((side * 0.42, 0.15, -0.94), (0.09, 0.14, 0.06), self.painted((0.02, 0.02, 0.02)))
            put((side * 0.65, 0.95, 0), (0.28, 0.55, 0.12), fur, -side * draw.uniform(-0.3, 0.9))

    def tree(self, stage: Stage, foot: Any, height: float) -> None:
        """A broad-leaved tree, a conifer, a palm-like or a bare one."""
        draw = self.draw
        bark = self.skin("wood grain", 0.5, tint=draw.uniform(0.4, 1.0) * np.array([0.9, 0.8, 0.7]))
        stage.stands(foot, 0.2 * height, height)
        kind = draw.random()
        if kind < 0.25:
            cut = draw.uniform(0.08, 0.25)
            stage.cone(foot, (0.03 * height, 0.02 * height), cut * height, bark)
            leaves = self.leafy(0.25 * height, ragged=0.7)
            for level in np.linspace(cut, 0.85, draw.integers(2, 6)):
                wide = 0.24 * height * (1.05 - level)
                stage.cone(
                    foot + np.array([0, level * height, 0]), (wide, 0.02 * wide), (1.1 - level) * 0.6 * height, leaves
                )
            return
        lean = turned(0, draw.normal(0, 0.06), draw.normal(0, 0.06))
        trunk = draw.uniform(0.25, 0.5)
        stage.cone(foot, (0.035 * height, 0.02 * height), (trunk + 0.2) * height, bark, lean)
        crown = np.asarray(foot) + lean @ np.array([0, trunk * height, 0])
        for _ in range(draw.integers(3, 9)):
            branch = turned(draw.uniform(-np.pi, np.pi), draw.uniform(0.2, 1.1))
            stage.cone(crown, (0.014 * height, 0.004 * height), draw.uniform(0.2, 0.5) * height, bark, branch)
        if kind < 0.35:
            return
        leaves = self.leafy(draw.uniform(0.1, 0.4) * height, ragged=draw.uniform(0.4, 0.9))
        for _ in range(draw.integers(4, 13)):
            off = draw.normal(0, 0.14, 3) * (1, 0.8, 1) + (0, 0.27, 0)
            radii = draw.uniform(0.09, 0.22, 3) * height
            stage.ellipsoid(crown + off * height, radii, leaves)

    def bush(self, stage: Stage, foot: Any, size: float) -> None:
        """A bush or a hedge."""
        leaves = self.leafy(size * self.draw.uniform(0.3, 1.0), ragged=self.draw.uniform(0.3, 0.8))
        stage.stands(foot, size, size)
        for _ in range(self.draw.integers(1, 6)):
            off = self.draw.normal(0, 0.5, 3) * (1, 0.2, 0.6) * size
            stage.ellipsoid(foot + off + (0, 0.3 * size, 0), self.draw.uniform(0.4, 0.9, 3) * size, leaves)

    def blades(self, stage: Stage, foot: Any, height: float, count: int) -> None:
        """A tuft of grass, reeds or stalks."""
        tint = self.green()
        for _ in range(count):
            tilt = turned(self.draw.uniform(-np.pi, np.pi), self.draw.normal(0, 0.25), 0)
            at = foot + self.draw.normal(0, 0.25, 3) * (1, 0, 1) * height
            wide = height * self.draw.uniform(0.008, 0.03)
            skin = self.painted(tint * self.draw.uniform(0.6, 1.3))
            stage.cone(at, (wide, 0.1 * wide), height * self.draw.uniform(0.5, 1.1), skin, tilt)

    def flower(self, stage: Stage, head: Any, size: float, *, stem: float = 0.0) -> None:
        """A flower of flat petals around a middle, turned towards the camera more or less, and its stem."""
        draw = self.draw
        turn = turned(draw.normal(0, 0.6), draw.uniform(-1.3, 0.6))
        colour = draw.choice(
            [(1, 0.85, 0.1), (1, 0.5, 0.1), (0.9, 0.1, 0.15), (0.95, 0.95, 0.95), (0.7, 0.3, 0.8), (0.4, 0.5, 0.95)]
        )
        if stem:
            stage.cone(np.asarray(head) - (0, stem, 0), (0.05 * size, 0.05 * size), stem, self.painted(self.green()))
        rings, narrow = draw.integers(1, 4), draw.uniform(0.12, 0.3)
        for ring in range(rings):
            count = draw.integers(5, 14)
            skin = self.skin("grass fur plain", size, tint=1.7 * np.asarray(colour) * draw.uniform(0.75, 1.05))
            for angle in np.arange(count) * 2 * np.pi / count + ring * 0.4:
                petal = turn @ turned(0, 0, float(angle)) @ turned(0, -0.25 * ring - draw.uniform(0, 0.35), 0)
                reach = size * (1 - 0.22 * ring) * draw.uniform(0.9, 1.05)
                at = head + petal @ np.array([0, 0.55 * reach, -0.08 * size * ring])
                stage.ellipsoid(at, (narrow * size, 0.5 * reach, 0.03 * size), skin, petal)
        middle = self.skin("leaves grain", 0.3 * size, tint=draw.uniform((0.4, 0.2, 0.0), (1.2, 0.9, 0.3)))
        stage.ellipsoid(head + turn @ np.array([0, 0, -0.1 * size]), np.array((0.25, 0.25, 0.14)) * size, middle, turn)

    def leaf(self, stage: Stage, at: Any, size: float) -> None:
        """One broad leaf."""
        draw = self.draw
        turn = turned(draw.uniform(-np.pi, np.pi), draw.uniform(-1.2, 1.2), draw.uniform(-np.pi, np.pi))
        tint = self.green() * draw.uniform(0.6, 1.5) * 1.6
        skin = self.skin("grass plain stripes", size, tint=tint, gloss=draw.uniform(0, 0.3))
        stage.ellipsoid(at, (draw.uniform(0.2, 0.5) * size, size, 0.02 * size), skin, turn)

    def car(self, stage: Stage, foot: Any, yaw: float) -> None:
        """A car of four and a half metres."""
        turn = turned(yaw)
        paint = self.painted(self.draw.uniform(0.05, 0.8) + 0.3 * (self.draw.random(3) - 0.5), gloss=0.4)
        stage.stands(foot, 1.5, 1.2)
        stage.box(foot + np.array([0, 0.6, 0]), (0.88, 0.36, 2.15), paint, turn)
        glass = self.painted(self.draw.uniform(0.08, 0.3, 3), gloss=0.5)
        stage.ellipsoid(foot + turn @ np.array([0, 0.95, 0.2]), (0.8, 0.58, 1.5), glass, turn)
        stage.box(foot + turn @ np.array([0, 1.36, 0.25]), (0.62, 0.06, 0.9), paint, turn)
        for side in (-1, 1):
            for end in (-1.35, 1.35):
                wheel = foot + turn @ np.array([side * 0.86, 0.34, end])
                stage.ellipsoid(wheel, (0.1, 0.34, 0.34), self.painted((0.06, 0.06, 0.06)), turn)
                stage.ellipsoid(wheel, (0.12, 0.18, 0.18), self.painted((0.5, 0.5, 0.5)), turn)
            lamp = foot + turn @ np.array([side * 0.65, 0.65, -2.14])
            stage.ellipsoid(lamp, (0.16, 0.1, 0.05), self.painted((1, 0.95, 0.8), glow=0.9))

    def table(self, stage: Stage, foot: Any, half: tuple[float, float], height: float, yaw: float) -> None:
        """A table, a bench or a stool."""
        wood = self.skin("wood wood plain grain", 0.5)
        turn = turned(yaw)
        stage.stands(foot, max(half), 0.4)
        stage.box(foot + np.array([0, height, 0]), (half[0], 0.025, half[1]), wood, turn)
        for x in (-0.9, 0.9):
            for z in (-0.9, 0.9):
                at = foot + turn @ np.array([x * half[0], height / 2, z * half[1]])
                stage.box(at, (0.025, height / 2, 0.025), wood, turn)

    def seat(self, stage: Stage, foot: Any, yaw: float) -> None:
        """A chair, an armchair or a sofa."""
        turn, skin = turned(yaw), self.skin("plain wood stripes grain", 0.5)
        wide, thick = self.draw.uniform(0.22, 0.9), self.draw.uniform(0.03, 0.2)
        stage.stands(foot, wide, 0.6)
        low = self.draw.random() < 0.5
        parts: list[tuple[Any, Any]] = [
            ((0, 0.42 - thick / 2, 0), (wide, thick, 0.28)),
            ((0, 0.65, 0.27), (wide, 0.3, 0.04 + thick / 3)),
        ]
        if low:
            parts += [((s * wide, 0.35, 0), (0.05 + thick / 3, 0.3, 0.28)) for s in (-1, 1)]
        else:
            parts += [((x * wide * 0.9, 0.2, z * 0.25), (0.02, 0.2, 0.02)) for x in (-1, 1) for z in (-1, 1)]
        for place, half in parts:
            stage.box(foot + turn @ np.array(place), half, skin, turn)

    def crockery(self, stage: Stage, foot: Any, size: float) -> None:
        """A cup on its saucer, a bottle, a bowl, a vase with flowers, a candle, a glass."""
        draw = self.draw
        stage.stands(foot, 0.6 * size, size)
        glaze = self.skin("plain plain stripes", size, gloss=0.4)
        kind = draw.integers(4)
        foot = np.asarray(foot, np.float32)
        if kind == 0:
            stage.cone(foot, (1.1 * size, 1.3 * size), 0.12 * size, glaze)
            stage.cone(foot + risen(0.1 * size), (0.45 * size, 0.72 * size), size, glaze)
            drink = self.painted(draw.choice([(0.75, 0.5, 0.3), (0.3, 0.15, 0.08), (0.8, 0.4, 0.1)]))
            stage.cone(foot + risen(1.07 * size), (0.62 * size, 0.62 * size), 0.05 * size, drink)
            stage.ellipsoid(
                foot + risen(0.6 * size) + np.array((0.85 * size, 0, 0)), (0.28 * size, 0.3 * size, 0.1 * size), glaze
            )
        elif kind == 1:
            stage.cone(foot, (0.4 * size, 0.4 * size), 1.4 * size, glaze)
            stage.cone(foot + risen(1.4 * size), (0.4 * size, 0.13 * size), 0.4 * size, glaze)
            stage.cone(foot + risen(1.8 * size), (0.13 * size, 0.13 * size), 0.5 * size, glaze)
        elif kind == 2:
            stage.cone(foot, (0.5 * size, 1.2 * size), 0.6 * size, glaze)
            for _ in range(draw.integers(2, 8)):
                off = draw.normal(0, 0.4, 3) * (1, 0, 1) * size + (0, 0.75 * size, 0)
                stage.ellipsoid(foot + off, draw.uniform(0.25, 0.45) * size, self.skin("plain grain", size, gloss=0.2))
        else:
            stage.ellipsoid(foot + risen(0.6 * size), (0.5 * size, 0.65 * size, 0.5 * size), glaze)
            for _ in range(draw.integers(1, 5)):
                self.flower(
                    stage,
                    foot + draw.normal(0, 0.5, 3) * size * (1, 0.3, 1) + (0, 2.2 * size, 0),
                    0.5 * size,
                    stem=size,
                )

    def clutter(self, stage: Stage, foot: Any, size: float) -> None:
        """Any small thing: box, ball, cone, book, figure, crockery."""
        draw = self.draw
        foot = np.asarray(foot, np.float32)
        turn = turned(draw.uniform(-np.pi, np.pi))
        kind = draw.random()
        stage.stands(foot, 0.5 * size, 0.8 * size)
        if kind < 0.3:
            half = draw.uniform(0.2, 0.6, 3) * size * (1, draw.choice([0.25, 1, 1.4]), 1)
            stage.box(foot + risen(half[1]), half, self.skin("print plain wood stripes tiles grain", 2 * size), turn)
        elif kind < 0.5:
            radii = (
                draw.uniform(0.3, 0.55, 3) * size if draw.random() < 0.5 else np.full(3, draw.uniform(0.3, 0.55) * size)
            )
            stage.ellipsoid(
                foot + risen(radii[1]), radii, self.skin("plain grain stripes leaves fur", size, gloss=0.3), turn
            )
        elif kind < 0.68:
            wide = draw.uniform(0.15, 0.5) * size
            stage.cone(
                foot,
                (wide, wide * draw.choice([0.02, 0.5, 1, 1])),
                draw.uniform(0.4, 1.6) * size,
                self.skin("plain grain print stripes", size),
            )
        elif kind < 0.78:
            half = np.array((0.5, draw.uniform(0.3, 0.8), 0.02)) * size
            lean = turn @ turned(0, draw.uniform(-0.4, 0.4), 0)
            stage.box(foot + risen(half[1]), half, self.skin("print wood bricks", 2 * size), lean)
        elif kind < 0.9:
            self.crockery(stage, foot, 0.5 * size)
        elif kind < 0.95:
            self.animal(stage, foot, size)
        else:
            self.person(stage, foot, 1.4 * size)
