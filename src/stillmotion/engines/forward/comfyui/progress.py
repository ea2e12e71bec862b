"""Progress of ComfyUI jobs, from the messages on its WebSocket while samplers run."""

import asyncio
from typing import Any

from stillmotion.engines.forward.comfyui.workflow import Graph
from stillmotion.engines.forward.http import PeerClient
from stillmotion.engines.forward.peer import ServerDown

NEARLY = 0.99
"""Highest progress that steps can reach: saving comes after them."""


def sampler_count(graph: Graph) -> int:
    """Number of nodes in a workflow that sample in steps, at least one."""
    return max(1, sum("steps" in node.get("inputs", {}) for node in graph.values()))


class JobProgress:
    """Progress of one job. Every sampler has an equal share, whatever its number of steps."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._nodes: dict[str, float] = {}

    @property
    def fraction(self) -> float | None:
        """The fraction done, 0 to 1; None before the first message of a sampler."""
        if not self._nodes:
            return None
        return min(NEARLY, sum(self._nodes.values()) / max(self._expected, len(self._nodes)))

    def hear(self, message: Any) -> None:
        """Record a message: `progress` (one node), or `progress_state` (all nodes, since ComfyUI 0.3.41)."""
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


class ProgressSockets:
    """WebSockets of the running jobs. A server without one gives no progress; nothing else changes."""

    def __init__(self, client: PeerClient, expected: int) -> None:
        self._client = client
        self._expected = expected
        self._jobs: dict[str, tuple[JobProgress, asyncio.Task[None]]] = {}

    def fraction(self, remote: str) -> float | None:
        """Progress of a job, 0 to 1. The first call opens the job's socket."""
        if remote not in self._jobs:
            steps = JobProgress(self._expected)
            self._jobs[remote] = steps, asyncio.create_task(self._listen(remote, steps))
        return self._jobs[remote][0].fraction

    def forget(self, remote: str) -> None:
        """Close the socket of a job that has ended."""
        if remote in self._jobs:
            self._jobs.pop(remote)[1].cancel()

    async def close(self) -> None:
        """Close all sockets."""
        tasks = [task for _, task in self._jobs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._jobs.clear()

    async def _listen(self, remote: str, steps: JobProgress) -> None:
        try:
            async for message in self._client.messages(f"ws?clientId={remote}"):
                steps.hear(message)
        except ServerDown:
            return
