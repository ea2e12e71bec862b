"""A real renderer process with an engine that obeys the prompt. Its argument is the parent's process id."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Frame, Rendering, RenderJob, Report, Wants
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.media.sandbox.confinement import die_with_parent
from stillmotion.worker.renderer.__main__ import take_over_pipes
from stillmotion.worker.renderer.service_loop import Renderer
from stillmotion.worker.renderer.signals import leave_signals_to_parent

HOSTILE_DECODER = (sys.executable, str(Path(__file__).parents[1] / "media" / "sandbox" / "hostile_decoder.py"))


class Obedient:
    """Engine of eight grey frames. Words of the prompt make it slow, stubborn, noisy, wrong or dead.

    "fade" brightens the frames from first to last, and "long" makes ten times as many. "tell" puts the job into the
    plan.
    """

    name = "fake/1"
    wants = Wants()

    def render(self, job: RenderJob, report: Report) -> Rendering:
        words = job.prompt.split()
        if "refuse" in words:
            raise GenerationFailed("prompt_refused", "This engine will not draw that.")
        if "bug" in words:
            raise ZeroDivisionError(job.prompt)
        if "full" in words:
            raise OSError(28, "No space left on device")
        print("an engine that prints")  # It must not reach the protocol on standard output.
        count = 80 if "long" in words else 8
        plan = _told(job) if "tell" in words else '{"moves": []}'
        return Rendering(job.size, 24, count, self._frames(job, words, report, count), plan)

    def _frames(self, job: RenderJob, words: list[str], report: Report, count: int) -> Iterator[Frame]:
        area = job.size.width * job.size.height
        for index in range(count):
            report(index / count)
            for _ in range(10 * words.count("slow")):
                report(index / count)
                time.sleep(0.01)
            if "stubborn" in words:
                threading.Event().wait(30)
            if "crash" in words and index == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            luma = 56 + 20 * index if "fade" in words else 128
            yield Frame(job.size.width, job.size.height, bytes([luma]) * area + bytes([128]) * (area // 2))
        report(1.0)


def _told(job: RenderJob) -> str:
    """The job in JSON: the keyframes' mean brightness, their plans, the size."""
    frame0, frame1 = (each and sum(each.pixels) / len(each.pixels) for each in (job.frame0, job.frame1))
    plans = [job.frame0_plan, job.frame1_plan]
    return json.dumps({"frame0": frame0, "frame1": frame1, "plans": plans, "size": [job.size.width, job.size.height]})


if __name__ == "__main__":
    began = time.monotonic()
    pipes = take_over_pipes()
    leave_signals_to_parent()
    die_with_parent(int(sys.argv[1]))
    engines = {name: Obedient() for name in ("fake/1", "parallax/1", "diffusers/tiny", "diffusers/other")}
    Renderer(engines, DecoderProcess(HOSTILE_DECODER), *pipes, preview_every=0.1).serve(began, {})
