"""The renderer process: `python -m stillmotion.worker.renderer.__main__ [--depth-model FILE] … PARENT_PID`.

With `--models JSON --device DEVICE` it makes the clips of those catalogue entries, and no others, on that device.
`--preview-every SECONDS` is the pause between two previews; 0 makes none.

It knows no database and no network. Orders come over its standard input, answers go over its standard output, one
render at a time. Its decoder opens the files of strangers. It ends at the end of its input.
"""

import argparse
import faulthandler
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from stillmotion.application.failpoints import no_fault
from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import EngineUnfit
from stillmotion.domain.rendering import Engine
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.media.sandbox.confinement import die_with_parent
from stillmotion.worker.failpoints import Faults
from stillmotion.worker.renderer.protocol import PREVIEW_SECONDS, Unfit, pack
from stillmotion.worker.renderer.signals import leave_signals_to_parent

UNFIT_EXIT = 78
"""`EX_CONFIG` of sysexits.h."""


def take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the standard streams for the protocol. The prints of libraries go to standard error."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a file number is wanted, not a path
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return incoming, outgoing


def embedded_engines(
    depth_model: str | None = None, depth_model_gives: str = "nearness", *, is_pulled: bool = False
) -> dict[str, Engine]:
    """The engines of a default install, loaded and warm, by name. Raises `EngineUnfit`."""
    # Late, so that the pipes are safe and the time is measured; ONNX Runtime only for a model of its own.
    from stillmotion.engines.parallax.engine import Parallax  # noqa: PLC0415 - see above

    depth = None
    if depth_model is not None:
        from stillmotion.engines.parallax.depth.onnx_model import DepthModel, Gives  # noqa: PLC0415 - see above

        depth = DepthModel(Path(depth_model), Gives(depth_model_gives), is_pulled=is_pulled)
    parallax = Parallax(depth)
    return {parallax.name: parallax}


def model_engines(entries: Sequence[Entry], device: str) -> tuple[dict[str, Engine], dict[str, str]]:
    """Engines, by name, of models that a device holds one at a time; the first is loaded and warm.

    The second mapping holds the reasons why others cannot be loaded, as far as they show before. Raises `EngineUnfit`.
    """
    from stillmotion.engines.diffusers.engine import Diffusers  # noqa: PLC0415 - as above: it imports torch
    from stillmotion.engines.diffusers.model_slot import ModelSlot  # noqa: PLC0415 - as above

    slot = ModelSlot(device)
    engines = [Diffusers(entry, slot) for entry in entries]
    engines[0].warm()
    reasons = {each.name: each.why_unfit() for each in engines[1:]}
    return {each.name: each for each in engines}, {name: why for name, why in reasons.items() if why is not None}


def outside_engines(entries: Sequence[Entry]) -> tuple[dict[str, Engine], dict[str, str]]:
    """Engines, by name, that an installed package brings for these entries, and the reasons why others do not load.

    Raises `EngineUnfit` if every one fails.
    """
    from stillmotion.engines.installed import load  # noqa: PLC0415 - as above: it imports somebody's package

    engines: dict[str, Engine] = {}
    reasons: dict[str, str] = {}
    for entry in entries:
        try:
            engines[entry.engine_name] = load(entry)
        except EngineUnfit as error:
            reasons[entry.engine_name] = str(error)
    if not engines:
        raise EngineUnfit(" ".join(reasons.values()))
    return engines, reasons


def main() -> None:
    """Become a renderer."""
    started = time.monotonic()
    arguments = _arguments()
    faulthandler.enable()
    incoming, outgoing = take_over_pipes()
    leave_signals_to_parent()
    die_with_parent(arguments.parent)
    decoder = DecoderProcess()
    decoder.start()
    # The decoder loads at the same time as the engines and their libraries: about a second for either.
    from stillmotion.worker.renderer.service_loop import Renderer  # noqa: PLC0415 - see above

    try:
        engines, unfit = _engines(arguments)
    except EngineUnfit as error:
        outgoing.write(pack(Unfit(str(error))))
        outgoing.flush()
        sys.exit(UNFIT_EXIT)
    fault = Faults(arguments.faults) if arguments.faults else no_fault
    Renderer(engines, decoder, incoming, outgoing, fault, arguments.preview_every).serve(started, unfit)


def _engines(arguments: argparse.Namespace) -> tuple[dict[str, Engine], dict[str, str]]:
    if arguments.models is None:
        model, gives = arguments.depth_model, arguments.depth_model_gives
        return embedded_engines(model, gives, is_pulled=arguments.depth_model_pulled), {}
    entries = msgspec.json.decode(arguments.models, type=list[Entry])
    return outside_engines(entries) if entries[0].is_outside else model_engines(entries, arguments.device)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="renderer")
    parser.add_argument("--models")
    parser.add_argument("--device", default="")
    parser.add_argument("--depth-model")
    parser.add_argument("--depth-model-gives", default="nearness")
    parser.add_argument("--depth-model-pulled", action="store_true")
    parser.add_argument("--preview-every", type=float, default=PREVIEW_SECONDS)
    parser.add_argument("--faults")
    parser.add_argument("parent", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
