"""One clip made in a process of its own as the worker's renderer makes it."""

import resource
import tempfile
from pathlib import Path

from stillmotion.domain.request import GenerationRequest, Resolution
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.worker.renderer.__main__ import embedded_engines
from stillmotion.worker.renderer.jobs import make
from stillmotion.worker.renderer.protocol import KeyframeFile, Render


def made(file: str, prompt: str, resolution: str, depth: str | None = None) -> float:
    """Make the clip, with a depth image if named; answer with the peak of this process's memory in MB (2²⁰ bytes)."""
    ((name, engine),) = embedded_engines().items()
    with tempfile.TemporaryDirectory() as folder:
        request = GenerationRequest(prompt, resolution=Resolution(resolution))
        render = Render(1, name, folder, request, frame0=KeyframeFile(file), depth=depth)
        decoder = DecoderProcess()
        try:
            make(render, engine, decoder, lambda _, __: None)
        finally:
            decoder.close()
    return _peak_megabytes()


def _peak_megabytes() -> float:
    """The peak of this process: on Linux from the kernel's page, since getrusage inherits the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
