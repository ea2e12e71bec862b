"""A plugin that writes down which methods of which clients were tried: `-p tests.compatibility`."""

from collections import defaultdict
from pathlib import Path

import pytest

HEAD = """# Clients that were tried

Written by `python3 dev.py compatibility`, which runs every client against a live server of this version. A method is
listed with the number of tests that call it and how many of them passed.

"""


class Compatibility:
    """Collects which methods of which clients were tried, and what came of it."""

    def __init__(self, page: Path) -> None:
        self._page = page
        self._tried: defaultdict[tuple[str, str], defaultdict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if report.when == "call" and not report.skipped and hasattr(item.module, "CLIENT"):
            marked = [name for mark in item.iter_markers("methods") for name in mark.args]
            recorded = [value for name, value in item.user_properties if name == "method"]
            for method in marked + recorded:
                self._tried[item.module.CLIENT, item.module.VERSION][method].append(report.passed)
        return report

    def pytest_sessionfinish(self):
        lines = []
        for (client, version), methods in sorted(self._tried.items()):
            lines += [f"## {client} {version}\n", "| Method | Tests | Passed |", "|---|---|---|"]
            lines += [f"| `{method}` | {len(all_)} | {sum(all_)} |" for method, all_ in sorted(methods.items())]
            lines.append("")
        self._page.write_text(HEAD + "\n".join(lines), "utf-8")


def pytest_addoption(parser):
    parser.addoption("--compatibility", type=Path, required=True, metavar="FILE", help="write the page there")


def pytest_configure(config):
    config.pluginmanager.register(Compatibility(config.getoption("compatibility")))
