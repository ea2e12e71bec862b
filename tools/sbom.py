"""`python3 dev.py sbom [--out FILE]`: the bill of materials of a default install, as CycloneDX JSON.

It lists the distributions that `pip install stillmotion` brings on this system and Python, at the versions in `.venv`,
with their licences and with who needs whom. Extras and development tools are not in it.
"""

import argparse
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "stillmotion"
OUT = Path("out") / "sbom.cdx.json"


def needed(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """The distributions that one needs on this system, each with the extras that are asked of it."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def graph(root: str) -> Mapping[str, frozenset[str]]:
    """Each distribution of an install, and the distributions that it needs."""
    found: dict[str, frozenset[str]] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(root, frozenset())]
    while waiting:
        name, extras = waiting.pop()
        needs = list(needed(name, extras))
        fresh = frozenset(each for each, _ in needs) - found.get(name, frozenset())
        if name not in found or fresh:
            found[name] = found.get(name, frozenset()) | fresh
            waiting += needs
    return found


def component(name: str) -> Component:
    """One distribution, as the bill lists it."""
    installed = distribution(name)
    return Component(
        name=name,
        version=installed.version,
        type=ComponentType.APPLICATION if name == PROJECT else ComponentType.LIBRARY,
        purl=PackageURL("pypi", name=name, version=installed.version),
        bom_ref=f"{name}@{installed.version}",
        licenses=[LicenseFactory().make_from_string(said)] if (said := licence(installed)) else [],
    )


def licence(installed: Distribution) -> str:
    """An SPDX expression, or the author's own short words; empty where a distribution says nothing."""
    said = installed.metadata.json
    words = str(said.get("license_expression") or said.get("license") or "").strip()
    # Some authors put the whole text of the licence here.
    if words and "\n" not in words:
        return words
    return ", ".join(str(each).rpartition(" :: ")[2] for each in said.get("classifier", ()) if "License ::" in each)


def bill() -> str:
    """The whole document."""
    needs = graph(PROJECT)
    components = {name: component(name) for name in sorted(needs)}
    bom = Bom(components=[each for name, each in components.items() if name != PROJECT])
    bom.metadata.component = components[PROJECT]
    for name, others in needs.items():
        bom.register_dependency(components[name], [components[other] for other in others])
    return JsonV1Dot6(bom).output_as_string(indent=2)


def main() -> None:
    """Write the file and say how much it lists."""
    parser = argparse.ArgumentParser(prog="dev.py sbom", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE")
    out: Path = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(bill() + "\n", "utf-8")
    print(f"{out}: {len(graph(PROJECT)) - 1} libraries")


if __name__ == "__main__":
    main()
