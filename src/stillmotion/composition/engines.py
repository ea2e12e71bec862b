"""Engines of an installation: models and their weights, renderers, and the reasons why a model cannot be made.

Libraries of engines are imported where an engine is chosen: they take seconds to load, or are not installed.
"""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from stillmotion.adapters.directory.data_directory import data_directory
from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.adapters.models.weights import folder_of, trouble_with
from stillmotion.application.metrics import UPSTREAM, Tally
from stillmotion.composition.depth import depth_set_up, verified_depth
from stillmotion.composition.preflight import refuse_absent_devices
from stillmotion.config import Settings, SettingsError
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.catalogue import EMBEDDED, Catalogue, CatalogueError, EngineKind, Entry
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.models.reading import Reading
from stillmotion.domain.planning import successor
from stillmotion.domain.request import GenerationRequest, VideoCodec
from stillmotion.engines.installed import missing_engine
from stillmotion.worker.devices import Device, devices_for
from stillmotion.worker.failpoints import Faults
from stillmotion.worker.makers.preparation import PreparationProcess
from stillmotion.worker.makers.remote import RemoteMaker
from stillmotion.worker.renderer.handle import RENDERER_COMMAND, RendererDied, RendererProcess, common_options, try_out
from stillmotion.worker.stands import NewRenderer

ESTIMATED: Final = "estimated"
"""Source of depth in the log where there is no model."""

log = structlog.get_logger(__name__)


def catalogue(settings: Settings) -> Catalogue:
    """The models, and the entries that each wire name stands for. Raises `CatalogueError`."""
    file = Path(settings.catalogue) if settings.catalogue else None
    return read_catalogue(file, settings.models)


def offered(settings: Settings) -> Catalogue:
    """The catalogue of a server or a worker, checked.

    Raises `CatalogueError` for a model that may not or cannot be made here, `SettingsError` for devices.
    """
    refuse_absent_devices(settings)
    models = catalogue(settings)
    models.check_licences(frozenset(settings.accepted_licences))
    # A server without renderers is not the one that makes clips, where processes on other machines may be.
    tried = made_here(settings, models) if is_shared(settings.store) or settings.worker_models else models.offered()
    for entry in tried:
        trouble = local_trouble(entry, settings)
        if trouble is not None:
            raise CatalogueError(f"The model {entry.name} cannot be made here: {trouble}.")
    return models


def made_here(settings: Settings, models: Catalogue) -> list[Entry]:
    """The models that this process makes clips of. Raises `SettingsError` for a name that is not offered."""
    offered = {each.name: each for each in models.offered()}
    unknown = next((each for each in settings.worker_models if each not in offered), None)
    if unknown is not None:
        there = ", ".join(sorted(offered))
        raise SettingsError(f"worker_models names {unknown}, which is none of the models offered. There are: {there}.")
    if not settings.renderers:
        return []
    return [each for name, each in offered.items() if not settings.worker_models or name in settings.worker_models]


def makes_embedded(settings: Settings) -> bool:
    """True where this process makes clips with the engine in the package."""
    return not settings.worker_models or EngineKind.PARALLAX.value in settings.worker_models


def weights_of(entry: Entry, settings: Settings) -> Path:
    """The folder that an entry's weights are in, or are to be pulled into."""
    pulled = Path(settings.weights_dir) if settings.weights_dir else data_directory(settings.data_dir).root / "weights"
    return folder_of(entry, pulled)


def _with_weights(entry: Entry, settings: Settings) -> Entry:
    """The entry with the folder of its weights named. An engine from outside knows its own."""
    if entry.is_outside:
        return entry
    return replace(entry, weights=str(weights_of(entry, settings).absolute()))


# --- renderers ------------------------------------------------------------------------------------------------------


def renderers(settings: Settings, faults: Faults | None = None, *, verify: bool = True) -> NewRenderer:
    """A maker of renderers of the embedded engine, which are not started yet.

    Raises `DepthUnusable` for a pulled depth network that is damaged; without `verify` that shows at their start.
    """
    options = common_options(settings.preview_seconds, faults)
    depth = verified_depth(settings) if verify else depth_set_up(settings)
    if depth is not None:
        options += depth.renderer_options
    return lambda: RendererProcess((*RENDERER_COMMAND, *options))


async def tried_renderer(settings: Settings, new_renderer: NewRenderer) -> RendererProcess | None:
    """A renderer that has loaded its depth model; None where there is no model to try. Logs the source of depth.

    Raises `RendererUnfit`.
    """
    if not settings.renderers:
        return None
    depth = depth_set_up(settings)
    log.info("depth_source", source=ESTIMATED if depth is None else depth.sentence)
    if depth is None:
        return None
    renderer = new_renderer()
    await renderer.start()
    return renderer


def renderer_for(entry: Entry, settings: Settings) -> RendererProcess:
    """A renderer of a model's clips, not started yet."""
    if not entry.is_local:
        return renderers(settings)()
    return devices_for((_with_weights(entry, settings),), settings.devices)[0].new_renderer()


def devices(settings: Settings, models: Catalogue, faults: Faults | None = None) -> list[Device]:
    """The devices that the offered models run on; none where none is to be run here."""
    entries = [_with_weights(each, settings) for each in made_here(settings, models) if each.is_local]
    stand_in = partial(successor, models) if any(models.has_stand_in(each) for each in entries) else None
    options = common_options(settings.preview_seconds, faults)
    return devices_for(entries, settings.devices, stand_in, options, settings.renderers)


def forwarders(settings: Settings, models: Catalogue, new_renderer: NewRenderer, tally: Tally) -> list[RemoteMaker]:
    """The other servers that this process asks. Raises `CatalogueError` where one's workflow cannot be used."""
    entries = [each for each in made_here(settings, models) if each.engine == EngineKind.FORWARD]
    if not entries:
        return []
    from stillmotion.engines.forward.peers import peer_of

    preparation = PreparationProcess(new_renderer)
    return [
        RemoteMaker(
            each,
            peer_of(each, partial(tally.count, UPSTREAM, each.name)),
            preparation,
            partial(successor, models),
            models.has_stand_in(each),
        )
        for each in entries
    ]


def video_codec(settings: Settings) -> VideoCodec:
    """The codec of clips. Raises `SettingsError` where this installation cannot encode it."""
    codec = VideoCodec(settings.video_codec)
    if codec is not VideoCodec.H264 and not has_encoder(codec):
        raise SettingsError(f"video_codec is {codec}, but the installed PyAV has no encoder for it: set h264.")
    return codec


def read_words(engine: str, request: GenerationRequest) -> Reading | None:
    """`ReadWords`: the embedded engine's own parser for its requests."""
    # Late, since the vocabulary takes a moment to load: a worker and most commands need none.
    from stillmotion.engines.parallax.language.reading import reading

    return reading(request) if engine == EMBEDDED else None


async def encodes(codec: VideoCodec) -> bool:
    """`has_encoder`, asked in a thread."""
    return await asyncio.to_thread(has_encoder, codec)


def has_encoder(codec: VideoCodec) -> bool:
    """True where the installed PyAV has the codec's encoder. The first call loads PyAV."""
    # PyAV is large: the server loads it only to ask for what may be missing.
    from stillmotion.media.output.encoder import can_encode

    return can_encode(codec)


# --- availability ---------------------------------------------------------------------------------------------------


async def model_troubles(settings: Settings) -> dict[str, str | None]:
    """For each model that a wire name stands for, the reason why it cannot be made; None where it can.

    Raises `CatalogueError`.
    """
    return {entry.name: await trouble_of(entry, settings) for entry in catalogue(settings).offered()}


async def trouble_of(entry: Entry, settings: Settings) -> str | None:
    """The reason why a model cannot be made; None where it can. An engine from outside is loaded to see that."""
    if entry.must_be_accepted and entry.licence not in settings.accepted_licences:
        return f"its licence {entry.licence} is not accepted: see the setting accepted_licences"
    trouble = local_trouble(entry, settings) if entry.server is None else await server_trouble(entry)
    if trouble is None and entry.is_outside:
        try:
            await try_out(renderer_for(entry, settings))
        except RendererDied as died:
            return died.why
    elif trouble is None and entry.is_local:
        # Its libraries take seconds to load: a server's start leaves this to the renderers.
        from stillmotion.engines.diffusers.preflight import why_unfit

        return why_unfit(_with_weights(entry, settings))
    return trouble


def local_trouble(entry: Entry, settings: Settings) -> str | None:
    """The reason why a model cannot be made on this machine, as far as that shows before it is loaded; None without."""
    if entry.is_outside:
        return missing_engine(entry.engine)
    if not entry.is_local:
        return None
    from stillmotion.engines.diffusers.libraries import missing_library

    missing = missing_library()
    if missing is not None:
        return f"it needs {missing}, which is not installed: pip install 'stillmotion[diffusers]'"
    return trouble_with(weights_of(entry, settings))


async def server_trouble(entry: Entry) -> str | None:
    """The reason why another server cannot make clips just now; None where it can."""
    from stillmotion.engines.forward.peers import peer_of

    try:
        peer = peer_of(entry)
        try:
            await peer.check()
        finally:
            await peer.close()
    except (CatalogueError, Unavailable) as error:
        return str(error)
    return None
