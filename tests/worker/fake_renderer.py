"""A real renderer process whose engine does what the prompt says: run with the parent's process id."""

import os
import signal
import sys
import time
from collections.abc import Iterator

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Frame, Rendering, RenderJob, Report
from stillmotion.worker.orphans import die_with_parent, leave_signals_to_parent
from stillmotion.worker.renderer import Renderer, take_over_pipes


class Obedient:
    """Eight grey frames; words of the prompt make it slow, stubborn, noisy, wrong or dead."""

    name = "fake/1"

    def render(self, job: RenderJob, report: Report) -> Rendering:
        words = job.prompt.split()
        if "refuse" in words:
            raise GenerationFailed("prompt_refused", "This engine will not draw that.")
        if "bug" in words:
            raise ZeroDivisionError(job.prompt)
        if "full" in words:
            raise OSError(28, "No space left on device")
        print("an engine that prints")  # must not reach the protocol
        return Rendering(job.size, 24, 8, self._frames(job, words, report), '{"moves": []}')

    def _frames(self, job: RenderJob, words: list[str], report: Report) -> Iterator[Frame]:
        size = job.size.width * job.size.height * 3 // 2
        for index in range(8):
            report(index / 8)
            for _ in range(10 * words.count("slow")):
                report(index / 8)
                time.sleep(0.01)
            if "stubborn" in words:
                time.sleep(30)
            if "crash" in words and index == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            yield Frame(job.size.width, job.size.height, bytes([128]) * size)
        report(1.0)


if __name__ == "__main__":
    began = time.monotonic()
    pipes = take_over_pipes()
    leave_signals_to_parent()
    die_with_parent(int(sys.argv[1]))
    Renderer({"fake/1": Obedient()}, *pipes).serve(began)
