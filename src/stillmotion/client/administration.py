"""Calls of a server's administration, for the operator's key (setting `admin_key`), in both forms of the client."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from stillmotion.client.steps import HttpRequest

BASE: Final = "/admin/v1/"

Answer = TypeVar("Answer")
"""The JSON of an answer as it is, or awaited."""


class AdminCalls(Generic[Answer]):
    """Calls of the administration. Each answers with the server's JSON, whose fields the HTTP reference describes.

    The client has to be made with the operator's key. `ask` sends a request.
    """

    def __init__(self, ask: Callable[[HttpRequest], Answer]) -> None:
        self._send = ask

    def products(self) -> Answer:
        """All products, as `products`."""
        return self._ask("GET", "products")

    def product(self, name: str) -> Answer:
        """One product."""
        return self._ask("GET", "products", name)

    def create_product(self, name: str, **terms: Any) -> Answer:
        """A new product. A term that is left out has its default, and None is no limit."""
        return self._ask("POST", "products", given={"name": name, **terms})

    def update_product(self, name: str, **terms: Any) -> Answer:
        """Other terms for a product; those that are left out stay."""
        return self._ask("PATCH", "products", name, given=terms)

    def subscriptions(self) -> Answer:
        """All subscriptions, as `subscriptions`, the oldest first."""
        return self._ask("GET", "subscriptions")

    def subscription(self, subscription_id: str) -> Answer:
        """One subscription, with its usage."""
        return self._ask("GET", "subscriptions", subscription_id)

    def create_subscription(
        self, name: str, *, product: str | None = None, expires_at: datetime | None = None
    ) -> Answer:
        """A new subscription. Its keys, `key` and `secondary_key`, are shown this once."""
        return self._ask("POST", "subscriptions", given={"name": name, "product": product, "expires_at": expires_at})

    def update_subscription(self, subscription_id: str, **changes: Any) -> Answer:
        """Another `name`, `product`, `state` or `expires_at` for a subscription; what is left out stays."""
        return self._ask("PATCH", "subscriptions", subscription_id, given=changes)

    def rotate_key(self, subscription_id: str, slot: str) -> Answer:
        """A new key in a slot, `primary` or `secondary`, as `key`. It is shown this once."""
        return self._ask("POST", "subscriptions", subscription_id, "keys", slot)

    def models(self) -> Answer:
        """The models of the catalogue, where each is held, and its pull, as `models`."""
        return self._ask("GET", "models")

    def load_model(self, name: str) -> Answer:
        """Have the workers load a model."""
        return self._ask("POST", "models", name, "load")

    def unload_model(self, name: str) -> Answer:
        """Have the workers free a model's memory."""
        return self._ask("POST", "models", name, "unload")

    def pull_model(self, name: str) -> Answer:
        """Begin to fetch a model's weights."""
        return self._ask("POST", "models", name, "pull")

    def pull(self, name: str) -> Answer:
        """The progress of a model's pull."""
        return self._ask("GET", "models", name, "pull")

    def cancel_pull(self, name: str) -> Answer:
        """End a model's pull."""
        return self._ask("DELETE", "models", name, "pull")

    def queue(self) -> Answer:
        """The queue: its depth by engine, its pauses and its drains."""
        return self._ask("GET", "queue")

    def pause_queue(self, *, model: str | None = None, worker: str | None = None) -> Answer:
        """Begin nothing new: of a model, by a worker, or at all."""
        return self._ask("POST", "queue", "pause", given={"model": model, "worker": worker})

    def resume_queue(self, *, model: str | None = None, worker: str | None = None) -> Answer:
        """End a pause or a drain."""
        return self._ask("POST", "queue", "resume", given={"model": model, "worker": worker})

    def drain_queue(self, *, model: str | None = None, worker: str | None = None) -> Answer:
        """Accept nothing new, of a model or at all, or let a worker end once it makes nothing."""
        return self._ask("POST", "queue", "drain", given={"model": model, "worker": worker})

    def generations(self, **filters: Any) -> Answer:
        """A page of everybody's generations, as `generations`. Go on with its `next` as `after`."""
        return self._ask("GET", "generations", asked=filters)

    def generation(self, generation_id: str) -> Answer:
        """One generation, without its words and pictures: `reveal` shows those."""
        return self._ask("GET", "generations", generation_id)

    def reveal(self, generation_id: str) -> Answer:
        """The words, pictures and files of a generation. The log of actions tells that they were looked at."""
        return self._ask("POST", "generations", generation_id, "reveal")

    def timeline(self, generation_id: str) -> Answer:
        """The events of a generation in the order of time, as `events`."""
        return self._ask("GET", "generations", generation_id, "timeline")

    def cancel(self, generation_id: str) -> Answer:
        """Cancel a generation."""
        return self._ask("POST", "generations", generation_id, "cancel")

    def retry(self, generation_id: str) -> Answer:
        """Make a generation once more, for its owner."""
        return self._ask("POST", "generations", generation_id, "retry")

    def move(self, generation_id: str, to: str) -> Answer:
        """Move a queued generation to the `front` or the `back` of the line."""
        return self._ask("POST", "generations", generation_id, "move", given={"to": to})

    def delete(self, generation_id: str) -> Answer:
        """Cancel and remove a generation. The answer is None."""
        return self._ask("DELETE", "generations", generation_id)

    def act_on(self, action: str, filters: Mapping[str, Any], expected: int, **more: Any) -> Answer:
        """Do the same to all generations that pass the filters, if as many as `expected` do."""
        return self._ask(
            "POST", "generations", "actions", given={"action": action, "filter": filters, "expected": expected, **more}
        )

    def workers(self) -> Answer:
        """The processes that make clips, their lanes and what each is at, as `workers`."""
        return self._ask("GET", "workers")

    def servers(self) -> Answer:
        """The other servers that make clips for this one, as `servers`."""
        return self._ask("GET", "servers")

    def status(self) -> Answer:
        """The state of the service, with the checks of `stillmotion doctor`."""
        return self._ask("GET", "status")

    def failures(self, days: int | None = None) -> Answer:
        """Everybody's failures of so many days by cause, as `failures`."""
        return self._ask("GET", "failures", asked={"days": days})

    def callbacks(self, *, state: str | None = None, limit: int | None = None, after: str | None = None) -> Answer:
        """A page of everybody's callbacks, as `callbacks`."""
        return self._ask("GET", "callbacks", asked={"state": state, "limit": limit, "after": after})

    def usage(self, by: Sequence[str] = ("day",), first: date | None = None, last: date | None = None) -> Answer:
        """Everybody's usage between two days, as `rows` and `total`."""
        return self._ask("GET", "usage", asked={"by": ",".join(by), "from": first, "to": last})

    def requests(self, **filters: str) -> Answer:
        """The last requests to this server, as `requests`."""
        return self._ask("GET", "requests", asked=filters)

    def settings(self) -> Answer:
        """The settings of this server and their sources, without what is secret, as `settings`."""
        return self._ask("GET", "settings")

    def actions(self, *, limit: int | None = None, after: str | None = None) -> Answer:
        """A page of the log of actions, as `actions`."""
        return self._ask("GET", "actions", asked={"limit": limit, "after": after})

    def _ask(
        self,
        method: str,
        *names: str,
        given: Mapping[str, Any] | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send a request for the path of these names, with a body or a query."""
        query = {name: value for name, value in (asked or {}).items() if value is not None}
        url = BASE + "/".join(quote(each, safe="") for each in names)
        body = None if given is None else {name: _in_json(value) for name, value in given.items()}
        return self._send(HttpRequest(method, f"{url}?{urlencode(query, doseq=True)}" if query else url, json=body))


def _in_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
