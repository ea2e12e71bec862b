"""Routing: the handler of a path and a method."""

from collections import defaultdict
from collections.abc import Mapping

from stillmotion.http.server.replies import Handler

Route = tuple[str, str]
"""A path, in which `{name}` is a placeholder for one segment, and a method."""


class Router:
    """Table of handlers. A look-up costs the same for any number of routes.

    `plain` holds the handlers whose path has no parameters, by path and method.
    """

    def __init__(self, handlers: Mapping[Route, Handler]) -> None:
        self.plain = {route: handler for route, handler in handlers.items() if "{" not in route[0]}
        self._templates: defaultdict[tuple[str, int], list[tuple[list[str], Handler]]] = defaultdict(list)
        self._methods = {method: None for _, method in handlers}
        for (path, method), handler in handlers.items():
            if "{" in path:
                segments = path.split("/")
                self._templates[method, len(segments)].append((segments, handler))

    def find(self, path: str, method: str) -> tuple[Handler, Mapping[str, str]] | None:
        """The handler of a path, and the values of the path's parameters."""
        handler = self.plain.get((path, method))
        if handler is not None:
            return handler, {}
        segments = path.split("/")
        for template, templated in self._templates.get((method, len(segments)), ()):
            values = _matched(template, segments)
            if values is not None:
                return templated, values
        return None

    def methods(self, path: str) -> list[str]:
        """The methods of a path; empty for an unknown one.

        An exact path wins over a template: `/videos/list` is never `/videos/{id}`.
        """
        plain = [method for method in self._methods if (path, method) in self.plain]
        return plain or [method for method in self._methods if self.find(path, method) is not None]


def _matched(template: list[str], segments: list[str]) -> Mapping[str, str] | None:
    """The values of a template's parameters, None if the path does not match it. An empty segment matches none."""
    values = {}
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{") and segment:
            values[expected[1:-1]] = segment
        elif expected != segment:
            return None
    return values
