"""People, cut out by MediaPipe's selfie segmentation: a soft mask, and its certainty around a face."""

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.vision.faces import Box
from stillmotion.vision.far_persons import far_person
from stillmotion.vision.network import Network
from stillmotion.vision.resize import Grid, Pixels, fit_within

LOOK = 256
"""Side of the network's input, in pixels, and longest side of a mask in cells per square looked at."""
WIDE = 1.1
"""Ratio of width to height from which a picture is looked at in squares: squeezed people are not found."""
STEP = 0.6
"""Largest step from one square to the next, in sides."""
MASK_SIDE = 512
"""Longest side of a mask, in cells."""
UNSURE = (0.1, 0.9)
"""Range of a mask's cells that are neither person nor background."""
NEARBY = 2.5
"""Reach around a face, in its sides, within which the mask has to be sure."""
PERSON_GATE = 0.7
"""Least certainty of a person's mask."""


class PersonFinder:
    """Selfie segmentation of a whole picture, of a wide one in overlapping squares."""

    def __init__(self) -> None:
        self._network = Network("selfie_segmentation.tflite", ("activation_10",))

    def mask(self, rgb: Pixels) -> Grid:
        """Probability of a person, 0 to 1, in a picture (height × width × 3): `MASK_SIDE` cells along its longer side.

        A picture without people has a mask too: `certainty` tells.
        """
        mask = self._mask(fit_within(rgb, MASK_SIDE))
        self._network.put_away()
        return mask

    def far(self, rgb: Pixels) -> Box | None:
        """The box of a person too far away for a face, in a picture (height × width × 3); None if nobody is seen."""
        found = far_person(rgb, self._look)
        self._network.put_away()
        return found

    def _mask(self, small: Pixels) -> Grid:
        height, width = small.shape[:2]
        if width <= WIDE * height:
            return self._look(small)
        count = int(np.ceil((width - height) / (STEP * height))) + 1
        mask, weight = np.zeros((height, width), np.float32), np.zeros(width, np.float32)
        # Each square counts less towards its sides, but whole at the picture's.
        for place in np.linspace(0, width - height, count).round().astype(int):
            ramp = np.minimum(np.arange(height) + 1, height - np.arange(height)).astype(np.float32)
            mask[:, place : place + height] += self._look(small[:, place : place + height]) * ramp
            weight[place : place + height] += ramp
            checkpoint()
        return np.asarray(mask / weight, np.float32)

    def _look(self, part: Pixels) -> Grid:
        grows = max(part.shape[:2]) < LOOK
        squared = cv2.resize(part, (LOOK, LOOK), interpolation=cv2.INTER_LINEAR if grows else cv2.INTER_AREA)
        (found,) = self._network.run(squared, 1 / 255, 0.0)
        return np.asarray(cv2.resize(found[0, 0], part.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def certainty(mask: Grid, face: Box) -> float:
    """Certainty of a person's mask, 0 to 1: the part of the face inside it, or of the cells nearby that are sure.

    The smaller of both counts.
    """
    height, width = mask.shape
    (x, y), wide, high = face.centre, face.right - face.left, face.bottom - face.top
    across, down = (np.arange(width) + 0.5) / width - x, (np.arange(height) + 0.5) / height - y
    inside = np.ix_(np.abs(down) <= high / 2, np.abs(across) <= wide / 2)
    if not mask[inside].size:
        return 0.0
    # A head and its shoulders: centred below the face.
    near = np.exp(-((across / (NEARBY * wide)) ** 2)) * np.exp(-(((down - high) / (NEARBY * high)) ** 2))[:, np.newaxis]
    unsure = float((near * ((mask > UNSURE[0]) & (mask < UNSURE[1]))).sum())
    sure = float((near * (mask >= UNSURE[1])).sum())
    return max(0.0, min(float(mask[inside].mean()), 1 - unsure / max(sure, 1e-6)))


def is_person(mask: Grid, face: Box) -> bool:
    """True if the mask shows the person of a face well enough to be cut out."""
    return certainty(mask, face) >= PERSON_GATE
