"""Stands of a host: each is a lane with a renderer of its own, and perhaps a device."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stillmotion.domain.catalogue import EMBEDDED, Entry
from stillmotion.domain.models.holdings import Holding
from stillmotion.domain.models.states import ModelStateName
from stillmotion.worker.devices import Device
from stillmotion.worker.input_stage import InputStage
from stillmotion.worker.model_desk import LaneModel
from stillmotion.worker.renderer.handle import RendererProcess
from stillmotion.worker.renderer.protocol import Ready

NewRenderer = Callable[[], RendererProcess]


@dataclass(slots=True)
class Stand:
    """A lane with its own renderer. One on a device has a `model` there.

    It `is_able` once its renderer was started, also while that is replaced after a crash, or rests. `unfit` is the
    reason why none could be started, `unfit_models` those for single models by engine.
    """

    name: str
    new_renderer: NewRenderer
    stage: InputStage
    model: LaneModel | None = None
    is_able: bool = False
    unfit: str | None = None
    unfit_models: Mapping[str, str] = field(default_factory=dict)
    renderer: RendererProcess = field(init=False)

    def __post_init__(self) -> None:
        self.renew()

    @property
    def device(self) -> Device | None:
        """The lane's device, if it is on one."""
        return None if self.model is None else self.model.device

    @property
    def rests(self) -> bool:
        """True while its model is unloaded, until the next clip."""
        return self.model is not None and self.model.wanted is None and self.is_able

    def renew(self) -> None:
        """Replace the renderer by one that is not started yet."""
        wanted = None if self.model is None else self.model.wanted
        if self.model is None or wanted is None:
            self.renderer = self.new_renderer()
        else:
            self.renderer = self.model.device.renderer_with(wanted)

    def started(self, ready: Ready) -> None:
        """Note that the renderer has loaded its engines."""
        self.is_able, self.unfit, self.unfit_models = True, None, ready.unfit

    def failed(self, why: str) -> None:
        """Note that no renderer could be started."""
        self.is_able, self.unfit = False, why

    def entry(self, engine: str) -> Entry | None:
        """Catalogue entry of an engine that is a model on this lane's device; else None."""
        entries = self.device.entries if self.device is not None else ()
        return next((each for each in entries if each.engine_name == engine), None)

    def trouble_with(self, engine: str) -> str | None:
        """Reason why the lane makes no clips of an engine now; None where it does."""
        if self.is_able:
            return self.unfit_models.get(engine)
        return self.unfit or "its model is being loaded"

    @property
    def holdings(self) -> list[Holding]:
        """The models that it makes clips with, and their states."""
        engines = (EMBEDDED,) if self.device is None else self.device.engines
        return [Holding(self.name, engine, *self._state_of(engine)) for engine in engines]

    def _state_of(self, engine: str) -> tuple[ModelStateName, str | None]:
        unfit = self.unfit_models.get(engine) or self.unfit
        if unfit is not None:
            return ModelStateName.UNFIT, unfit
        model = self.model
        if model is not None and (model.wanted is None or not (model.holds_all or model.wanted == engine)):
            return ModelStateName.IDLE, None
        return (ModelStateName.READY if self.is_able and self.renderer.alive else ModelStateName.LOADING), None
