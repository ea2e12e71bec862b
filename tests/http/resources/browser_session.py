"""A browser as far as sessions go: it keeps one cookie, and says which page asked."""

import json
import re
from dataclasses import dataclass, field

from tests.http.conftest import ADMIN_KEY

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Browser:
    """A browser with a page of the edge open."""

    edge: object
    cookie: str = ""
    usual: dict = field(default_factory=lambda: dict(SAME_ORIGIN))

    def ask(self, method, path, body=None, **headers):
        given = {"Content-Type": "application/json"} | self.usual
        if self.cookie:
            given["Cookie"] = self.cookie
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in given.items() if value is not None}
        answered = self.edge.ask(method, path, None if body is None else json.dumps(body), given)
        kept = re.match(r"([^=]+=)([^;]*)", answered.headers.get("set-cookie", ""))
        if kept:
            self.cookie = kept[0] if kept[2] else ""
        return answered

    def sign_in(self, key, **parts):
        answered = self.ask("POST", "/session", {"key": key} | parts)
        assert answered.status == 201, answered.content
        return self

    @property
    def session(self):
        answered = self.ask("GET", "/session")
        assert answered.status == 200
        return answered.body

    def lists(self, **headers):
        """The status of a list of one's own."""
        return self.ask("GET", "/dream-machine/v1/generations", **headers).status

    def office(self, method="GET", body=None, **headers):
        """The status of the administration."""
        return self.ask(method, "/admin/v1/products", body, **headers).status


def user(edge, **product):
    """A browser signed in by a new subscription's key, and its caller."""
    caller = edge.caller(**product)
    return Browser(edge).sign_in(caller.issued.primary), caller


def administrator(edge, **parts):
    """A browser signed in by the administrator's key."""
    return Browser(edge).sign_in(ADMIN_KEY, **parts)
