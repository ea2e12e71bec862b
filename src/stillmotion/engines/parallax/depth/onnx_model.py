"""Depth from an operator's own model through ONNX Runtime. No other module imports that, and only for a model."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from stillmotion.domain.errors import EngineUnfit
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.analysis.scene import Depth, Scene
from stillmotion.engines.parallax.depth.source import graded
from stillmotion.vision.resize import Grid, Pixels, resized

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's mean and standard deviation of R, G and B (0 to 1), the input normalisation of MiDaS, DPT and Depth
Anything (`NormalizeImage` in `depth_anything_v2/dpt.py` and in MiDaS's `midas/transforms.py`)."""
PIXELS = 98_000
"""Pixels of the input if the model leaves its size open: 420 × 238 of a wide picture, about 500 of Depth Anything's
patches. It was trained on squares of 518, which take three and a half times as long (docs/adr/0052)."""
LONGEST_SIDE = 630
"""Most pixels of the longer side of such an input, reached by panoramas."""
PATCHES = (14, 32)
"""Multiples for open sides, tried in turn: Depth Anything's patch, MiDaS's and DPT's coarsest step."""
LEAST_SIDE = 8
"""Shortest side of an output that can be a depth map."""
NEAREST = 1e-3
"""Least distance, as a fraction of the farthest, before inversion."""
SECONDS_BETWEEN_PAUSES = 0.1

TYPES: Mapping[str, Any] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Gives(StrEnum):
    """Meaning of a model's output."""

    NEARNESS = "nearness"
    """Larger is nearer, on any scale: MiDaS, DPT, Depth Anything."""
    DISTANCE = "distance"
    """Larger is farther, 0 at the lens: metric models, ZoeDepth."""


class DepthModel:
    """A depth model, loaded and tried once. Implements `DepthSource`."""

    def __init__(self, file: Path, gives: Gives = Gives.NEARNESS, *, is_pulled: bool = False) -> None:
        """Raises `EngineUnfit` if the file or ONNX Runtime is missing, or the model gives no depth.

        `is_pulled` is true for the network that `stillmotion models pull depth` fetched: refusals then name that.
        """
        self.name = f"model {file.stem}"
        self._gives = gives
        self._called = f"The depth network is {file}" if is_pulled else f"depth_model names {file}"
        self._remedy = " Pull it again (`stillmotion models pull depth`), or set depth_model to none." * is_pulled
        if not file.is_file():
            raise self._unfit("is not a file: give the path of an ONNX model.")
        try:
            import onnxruntime  # noqa: PLC0415 - an extra, and large
        except ImportError as error:
            unset = "set depth_model to none" if is_pulled else "unset depth_model"
            raise EngineUnfit(
                f"{self._called}, but ONNX Runtime is missing: install stillmotion[onnx], or {unset}."
            ) from error
        self._runtime: Any = onnxruntime
        self._session = self._opened(file)
        self._input = self._only_input()
        self._patch = self._tried()

    def depth(self, rgb: Pixels, scene: Scene) -> Depth:
        """The model's depth. Raises `GenerationFailed` (code `depth_model_failed`); there is no fallback."""
        try:
            values = self._run(rgb, self._patch)
        except self._errors() as error:
            raise FailureKind.DEPTH_MODEL_BROKE.error() from error
        if not _is_depth(values):
            raise FailureKind.DEPTH_MODEL_ANSWERED_NO_DEPTH.error()
        return graded(self._as_nearness(values), scene, self.name)

    def _unfit(self, why: str) -> EngineUnfit:
        """A refusal of the file. `why` follows `which`."""
        return EngineUnfit(f"{self._called}, which {why}{self._remedy}")

    def _opened(self, file: Path) -> Any:
        options = self._runtime.SessionOptions()
        options.log_severity_level = 3
        options.use_deterministic_compute = True
        # Idle threads of ONNX Runtime would otherwise spin against the encoder's.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return self._runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except self._errors() as error:
            raise self._unfit(f"ONNX Runtime cannot load: {_first_line(error)}") from error

    def _errors(self) -> tuple[type[Exception], ...]:
        """Exceptions of ONNX Runtime: each status code is a class, without a common base."""
        states = self._runtime.capi.onnxruntime_pybind11_state
        own = [each for each in vars(states).values() if isinstance(each, type) and issubclass(each, Exception)]
        return (*own, ValueError, RuntimeError, TypeError)

    def _only_input(self) -> Any:
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if len(shape) != 4 or _fixed(shape[1]) not in {3, None} or inputs[0].type not in TYPES:
            told = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
            raise self._unfit(
                f"has the input {told}: it must be one picture, "
                "1 × 3 × height × width in floats, like those of MiDaS and Depth Anything."
            )
        return inputs[0]

    def _tried(self) -> int:
        """The patch size that works on a grey gradient. One flat grey would not do: some models divide by the range."""
        greys = np.linspace(64, 160, 3 * LEAST_SIDE)[:, np.newaxis, np.newaxis]
        picture = np.broadcast_to(greys, (3 * LEAST_SIDE, 4 * LEAST_SIDE, 3)).astype(np.uint8)
        why = ""
        for patch in PATCHES:
            try:
                values = self._run(picture, patch)
            except self._errors() as error:
                why = why or _first_line(error)
                continue
            if _is_depth(values):
                return patch
            why = f"it answered with the shape {values.shape}"
        raise self._unfit(f"gives no depth of a picture: {why}")

    def _run(self, rgb: Pixels, patch: int) -> Any:
        """The model's first answer, its leading dimensions of one dropped. A checkpoint that raises stops it."""
        height, width = _sides(rgb.shape[0], rgb.shape[1], self._input.shape[2:], patch)
        feed = {self._input.name: normalised(rgb, height, width).astype(TYPES[self._input.type])}
        options = self._runtime.RunOptions()
        # Else the memory of a run, 100 MB of a transformer's, is kept for as long as the renderer lives.
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        # The model runs in a thread so that a cancel can end it between checkpoints.
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self._session.run, None, feed, options)
            try:
                while not wait([running], SECONDS_BETWEEN_PAUSES).done:
                    checkpoint()
            except BaseException:
                options.terminate = True
                raise
        answer = np.asarray(running.result()[0], np.float32)
        return answer.reshape(answer.shape[-2:]) if answer.size == np.prod(answer.shape[-2:]) else answer

    def _as_nearness(self, values: Any) -> Any:
        if self._gives is Gives.NEARNESS:
            return values
        return 1 / np.maximum(values, max(NEAREST * float(values.max()), 1e-9))


def normalised(rgb: Pixels, height: int, width: int) -> Grid:
    """Model input, 1 × 3 × `height` × `width`, normalised by `MEAN` and `SPREAD`."""
    small = resized(rgb, width, height)
    normal = (small.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(SPREAD, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[np.newaxis])


def _sides(height: int, width: int, wanted: Sequence[Any], patch: int) -> tuple[int, int]:
    """The model's own height and width; for open sides the picture's shape in whole patches."""
    scale = min((PIXELS / (height * width)) ** 0.5, LONGEST_SIDE / max(height, width))
    own = (max(patch, round(side * scale / patch) * patch) for side in (height, width))
    high, wide = (_fixed(each) or side for each, side in zip(wanted, own, strict=True))
    return high, wide


def _fixed(side: Any) -> int | None:
    """A fixed side of the model's input; None for an open one, which has a name or nothing."""
    return side if isinstance(side, int) and side > 0 else None


def _is_depth(values: Any) -> bool:
    return values.ndim == 2 and min(values.shape) >= LEAST_SIDE and bool(np.isfinite(values).all())


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
