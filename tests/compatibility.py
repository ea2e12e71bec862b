"""Pytest plugin that writes the page of compatibility with other clients: `-p tests.compatibility`.

`record_property("method", NAME)` and the mark `methods` name a method of a client. With `refused=True` the documented
answer to it is a refusal. `record_property("note", SENTENCE)` adds a sentence to the client's section.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from tools.docs.markdown import literal, table

HEAD = """# Clients that were tried

Written by `python3 dev.py compatibility`, which runs every client against a live server of this version, with nothing
changed but its base URL and its key. A method is listed with the number of tests that call it, and how many of them got
the documented answer. Where that is a refusal, because no engine here can do it or because it was asked wrongly on
purpose, it says so.

"""
_WORDS = ("a ", "no ")
"""Prefixes of names that are no method but a wrong way to call one."""


class Compatibility:
    """Collector of the methods that were tried with each client, and of their results."""

    def __init__(self, page: Path) -> None:
        self._page = page
        self._tried: defaultdict[tuple[str, str], defaultdict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        self._refused: set[tuple[str, str]] = set()
        self._notes: defaultdict[tuple[str, str], list[str]] = defaultdict(list)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if report.when == "call" and not report.skipped and hasattr(item.module, "CLIENT"):
            client = item.module.CLIENT, item.module.VERSION
            refused = {
                name for mark in item.iter_markers("methods") if mark.kwargs.get("refused") for name in mark.args
            }
            marked = [name for mark in item.iter_markers("methods") for name in mark.args]
            recorded = [value for name, value in item.user_properties if name == "method"]
            refused |= {value for name, value in item.user_properties if name == "refused"}
            self._refused |= {(client[0], name) for name in refused}
            self._notes[client] += [value for name, value in item.user_properties if name == "note"]
            for method in marked + recorded:
                self._tried[client][method].append(report.passed)
        return report

    def pytest_sessionfinish(self):
        parts = [self._section(*client) for client in sorted(self._tried)]
        self._page.write_text(HEAD + "\n".join(parts), "utf-8")

    def _section(self, client, version):
        rows = []
        for method, all_ in sorted(self._tried[client, version].items()):
            named = method if method.startswith(_WORDS) else literal(method)
            kind = "refused" if (client, method) in self._refused else "done"
            rows.append((named, kind, str(len(all_)), str(sum(all_))))
        title = f"## {client} {version}".rstrip()
        notes = "".join(f"\n{note}\n" for note in self._notes[client, version])
        return f"{title}\n\n{table(('Method', 'Answer', 'Tests', 'Passed'), rows)}{notes}"


def pytest_addoption(parser):
    parser.addoption("--compatibility", type=Path, required=True, metavar="FILE", help="write the page there")


def pytest_configure(config):
    config.pluginmanager.register(Compatibility(config.getoption("compatibility")))
