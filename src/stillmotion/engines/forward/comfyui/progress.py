"""How far ComfyUI is with a job: what it tells on its socket, step by step, while it samples."""

import asyncio
from typing import Any

from stillmotion.engines.forward.comfyui.workflow import Graph
from stillmotion.engines.forward.http import Calls
from stillmotion.engines.forward.peer import ServerDown

NEARLY = 0.99
"""As far as steps go: saving comes after them."""


def samplers(graph: Graph) -> int:
    """How many nodes of a workflow sample in steps, one at least."""
    return max(1, sum("steps" in node.get("inputs", {}) for node in graph.values()))


class Steps:
    """One job: each of its samplers counts alike, whatever its number of steps."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._nodes: dict[str, float] = {}

    @property
    def fraction(self) -> float | None:
        """The fraction done; None while no sampler has told of itself."""
        if not self._nodes:
            return None
        return min(NEARLY, sum(self._nodes.values()) / max(self._expected, len(self._nodes)))

    def hear(self, message: Any) -> None:
        """Take in a message of either form: of one node at a time, or, since 0.3.41, of all of them."""
        data = message.get("data") if isinstance(message, dict) else None
        if not isinstance(data, dict):
            return
        if message.get("type") == "progress":
            self._note(data.get("node"), data)
        nodes = data.get("nodes") if message.get("type") == "progress_state" else None
        for name, node in nodes.items() if isinstance(nodes, dict) else ():
            self._note(name, node)

    def _note(self, name: Any, told: Any) -> None:
        value, most = (told.get(each) for each in ("value", "max")) if isinstance(told, dict) else (None, None)
        if isinstance(value, int | float) and isinstance(most, int | float) and most > 1:
            self._nodes[str(name)] = min(1.0, max(0.0, value / most))


class Listening:
    """The sockets of the jobs under way. A server that has none, or closes it, tells nothing, and no harm is done."""

    def __init__(self, calls: Calls, expected: int) -> None:
        self._calls = calls
        self._expected = expected
        self._jobs: dict[str, tuple[Steps, asyncio.Task[None]]] = {}

    def fraction(self, remote: str) -> float | None:
        """How far a job is; it is listened to from the first time that it is asked for."""
        if remote not in self._jobs:
            steps = Steps(self._expected)
            self._jobs[remote] = steps, asyncio.create_task(self._listen(remote, steps))
        return self._jobs[remote][0].fraction

    def forget(self, remote: str) -> None:
        """A job has ended."""
        if remote in self._jobs:
            self._jobs.pop(remote)[1].cancel()

    async def close(self) -> None:
        """Listen to nothing more."""
        tasks = [task for _, task in self._jobs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._jobs.clear()

    async def _listen(self, remote: str, steps: Steps) -> None:
        try:
            async for message in self._calls.messages(f"ws?clientId={remote}"):
                steps.hear(message)
        except ServerDown:
            return
