"""Factory of peers: the client for each entry's dialect."""

from pathlib import Path

from stillmotion.domain.catalogue import CatalogueError, Dialect, Entry
from stillmotion.engines.forward.comfyui.client import ComfyUIPeer
from stillmotion.engines.forward.comfyui.workflow import read_workflow
from stillmotion.engines.forward.dreammachine import DreamMachinePeer
from stillmotion.engines.forward.http import OnOutcome, unheard
from stillmotion.engines.forward.openai import OpenAIPeer
from stillmotion.engines.forward.peer import Peer


def peer_of(entry: Entry, on_outcome: OnOutcome = unheard) -> Peer:
    """The client of the entry's server. `on_outcome` is told of each request.

    Raises `CatalogueError` if its workflow cannot be used.
    """
    server = entry.server
    if server is None:
        raise CatalogueError(f"models.{entry.name} has no server.")
    match server.speaks:
        case Dialect.OPENAI:
            return OpenAIPeer(entry, server, on_outcome)
        case Dialect.DREAM_MACHINE:
            return DreamMachinePeer(entry, server, on_outcome)
        case Dialect.COMFYUI:
            return ComfyUIPeer(server, read_workflow(entry, Path(server.graph)), on_outcome)
