"""Timing of a clip: the frames' times, and the weights that motions follow."""

from dataclasses import dataclass

import numpy as np

from stillmotion.engines.parallax.camera.path import Samples, ease, there_and_back


@dataclass(frozen=True, slots=True)
class Beat:
    """A clip's time: each frame's place in it (0 to 1), its seconds, and whether it loops."""

    x: Samples
    seconds: float
    loop: bool
    seed: int

    def swing(self, per_second: float) -> Samples:
        """A sine of that frequency in hertz, eased in from rest; in a loop whole cycles."""
        if self.loop:
            return np.sin(2 * np.pi * max(1, round(per_second * self.seconds)) * self.x)
        time = self.x * self.seconds
        return np.sin(2 * np.pi * per_second * time) * ease(time / 0.9, 0.5)

    def arrive(self, by: float) -> Samples:
        """Eased from 0 to 1 by that fraction of the clip, with a slight swing after it; in a loop there and back."""
        if self.loop:
            return there_and_back(self.x)
        return ease(self.x / by) + 0.05 * np.sin(2 * np.pi * 0.3 * self.x * self.seconds) * ease(self.x)
