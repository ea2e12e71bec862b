"""The documentation of models: the catalogue's facts."""

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.catalogue import EngineKind
from stillmotion.domain.planning import plan
from stillmotion.domain.request import AspectRatio, GenerationRequest
from tools.docs.markdown import literal, table


def defaults() -> str:
    """The choice of a model by a GPU's memory."""
    catalogue = read_catalogue()
    froms = [each.memory_gb for each in catalogue.defaults]
    ends = [*(f"up to {each:g} GB" for each in froms[1:]), "and more"]
    rows = [("none, or less", literal("parallax"), catalogue.entries["parallax"].summary, "Apache-2.0")]
    for each, end in zip(catalogue.defaults, ends, strict=True):
        entry = catalogue.entries[each.model]
        rows.append((f"{each.memory_gb:g} GB {end}", literal(entry.name), entry.summary, entry.licence))
    return table(("Memory", "Model", "", "Licence"), rows)


def models() -> str:
    """Every model with weights: its abilities, needs and licence."""
    rows = []
    for each in read_catalogue().entries.values():
        if each.engine != EngineKind.DIFFUSERS:
            continue
        made = plan(each, GenerationRequest(prompt="a walk", frame0=None, aspect_ratio=AspectRatio.WIDE))
        where = f"{each.licence}; not for {each.territory}" if each.territory else each.licence
        rows.append(
            (
                literal(each.name),
                f"{made.size.width}×{made.size.height}, {each.longest_seconds:.3g} s at {each.fps}",
                f"{each.steps}, {each.guidance:g}",
                f"{each.memory_gb:g} GB" if each.memory_gb else "–",
                where,
                f"[source]({each.source})",
            )
        )
    head = ("Model", "16:9 at 720p becomes, longest clip, frames a second", "Steps, guidance", "Memory", "Licence", "")
    return table(head, rows)
