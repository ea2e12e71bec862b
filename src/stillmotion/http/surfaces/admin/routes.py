"""The administration's operations."""

from collections.abc import Mapping
from typing import Any

import msgspec

from stillmotion.application.administration import Administration
from stillmotion.domain.errors import (
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    Problem,
    ProductNotFound,
    Reason,
    SubscriptionNotFound,
    Unavailable,
)
from stillmotion.domain.subscriptions import KeySlot
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult, Surface, Unfiltered
from stillmotion.http.edge.refusals import EndpointNotFound
from stillmotion.http.server.replies import Headers
from stillmotion.http.surfaces.admin import examples, translate, wire
from stillmotion.http.surfaces.admin.refusals import PROBLEMS

BASE = "/admin/v1/"

_ENCODE = msgspec.json.Encoder().encode
_SCHEME = "bearer "


def key_of(headers: Headers, query: bytes) -> str | None:
    """The bearer token; None without the header. Raises `NotAuthenticated` for more than one."""
    del query
    sent = headers.getall("Authorization", ())
    if len(sent) != 1:
        raise NotAuthenticated("there is no Authorization header, or more than one", Reason.NO_KEY)
    return sent[0][len(_SCHEME) :].strip() if sent[0].lower().startswith(_SCHEME) else None


def admit(call: Call, key: str | None) -> Administration:
    """Authenticate the operator by the key of the settings. Raises as `AdminAccess.authenticate` does."""
    access = call.services.admin
    if access is None:
        raise EndpointNotFound("there is no administration here")
    return access.authenticate(key, call.request.remote or "")


async def list_products(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """Every product."""
    del call, asked
    return OperationResult(_ENCODE(wire.ProductList(tuple(map(translate.product, await office.products.list())))))


async def create_product(call: Call, office: Administration, asked: wire.NewProduct) -> OperationResult:
    """A new product."""
    del call
    made = await office.products.create(asked.name, translate.to_terms(asked))
    return OperationResult(_ENCODE(translate.product(made)), status=201)


async def get_product(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """One product."""
    del asked
    return OperationResult(_ENCODE(translate.product(await office.products.get(call.path["name"]))))


async def update_product(call: Call, office: Administration, asked: wire.ProductTerms) -> OperationResult:
    """Other terms for a product."""
    changed = await office.products.update(call.path["name"], translate.to_terms(asked))
    return OperationResult(_ENCODE(translate.product(changed)))


async def list_subscriptions(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """Every subscription."""
    del asked
    now = call.services.clock.now()
    listed = await office.subscriptions.list()
    return OperationResult(
        _ENCODE(wire.SubscriptionList(tuple(translate.subscription(each, keys, now) for each, keys in listed)))
    )


async def create_subscription(call: Call, office: Administration, asked: wire.NewSubscription) -> OperationResult:
    """A new subscription with two keys."""
    del call
    product = asked.product or (await office.products.ensure(office.products.default)).name
    made = await office.subscriptions.issue(product, asked.name, asked.expires_at)
    return OperationResult(_ENCODE(translate.issued(made)), status=201)


async def get_subscription(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """One subscription, with what it spent."""
    del asked
    return await _shown(call, office)


async def update_subscription(call: Call, office: Administration, asked: wire.SubscriptionChange) -> OperationResult:
    """Another name, product, state or end for a subscription."""
    await office.subscriptions.update(call.path["id"].lower(), translate.to_changes(asked))
    return await _shown(call, office)


async def _shown(call: Call, office: Administration) -> OperationResult:
    known, keys = await office.subscriptions.get(call.path["id"].lower())
    usage = await office.subscriptions.usage(known.id)
    return OperationResult(_ENCODE(translate.subscription(known, keys, call.services.clock.now(), usage)))


async def rotate_key(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """A new key in a slot."""
    del asked
    subscription_id, slot = call.path["id"].lower(), call.path["slot"]
    if slot not in set(KeySlot):
        raise InvalidRequest(Problem("slot", f"must be {' or '.join(KeySlot)}"))
    key = await office.subscriptions.rotate(subscription_id, KeySlot(slot))
    return OperationResult(_ENCODE(wire.IssuedKey(subscription_id, slot, key)), status=201)


_SHARED: tuple[type[Exception], ...] = (InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable)
_NAME: Mapping[str, str] = {"name": "The product's name."}
_ID: Mapping[str, str] = {"id": "The subscription's id."}


def _operation(operation_id: str, method: str, path: str, summary: str, **parts: Any) -> Operation[Administration, Any]:
    given: dict[str, Any] = {"description": "", "wire": Nothing, "refusals": _SHARED, **parts}
    return Operation(
        operation_id=operation_id, method=method, path=f"{BASE}{path}", summary=summary, shows_engine=False, **given
    )


ADMIN = Surface(
    name="admin",
    key_of=key_of,
    problems=PROBLEMS,
    security_schemes={"adminKey": {"type": "http", "scheme": "bearer"}},
    base=BASE,
    admit=admit,
    operations=(
        _operation(
            "listProducts",
            "GET",
            "products",
            "List the products",
            wire=Unfiltered,
            answer=wire.ProductList,
            answers={"": wire.ProductList((examples.PRODUCT,))},
            answered="All of them.",
            handle=list_products,
        ),
        _operation(
            "createProduct",
            "POST",
            "products",
            "Make a product",
            description="What is left out is not limited, or has the usual limit.",
            wire=wire.NewProduct,
            answer=wire.ProductInfo,
            example=examples.NEW_PRODUCT,
            answers={"": examples.PRODUCT},
            answered="The product.",
            status=201,
            handle=create_product,
        ),
        _operation(
            "getProduct",
            "GET",
            "products/{name}",
            "Look at a product",
            parameters=_NAME,
            answer=wire.ProductInfo,
            answers={"": examples.PRODUCT},
            answered="The product.",
            refusals=(*_SHARED, ProductNotFound),
            handle=get_product,
        ),
        _operation(
            "updateProduct",
            "PATCH",
            "products/{name}",
            "Change a product",
            description="Its subscriptions have the new terms within a second or so.",
            parameters=_NAME,
            wire=wire.ProductTerms,
            answer=wire.ProductInfo,
            example={"submits_per_minute": 120, "models": None},
            answers={"": examples.PRODUCT},
            answered="The product as it is now.",
            refusals=(*_SHARED, ProductNotFound),
            handle=update_product,
        ),
        _operation(
            "listSubscriptions",
            "GET",
            "subscriptions",
            "List the subscriptions",
            wire=Unfiltered,
            answer=wire.SubscriptionList,
            answers={"": wire.SubscriptionList((examples.LISTED_SUBSCRIPTION,))},
            answered="All of them, oldest first.",
            handle=list_subscriptions,
        ),
        _operation(
            "createSubscription",
            "POST",
            "subscriptions",
            "Make a subscription",
            description="The keys and the secret that signs callbacks are shown this once.",
            wire=wire.NewSubscription,
            answer=wire.IssuedSubscription,
            example={"name": "Ada's shop", "product": "basic"},
            answers={"": examples.ISSUED},
            answered="The subscription's id, keys and secret.",
            status=201,
            handle=create_subscription,
        ),
        _operation(
            "getSubscription",
            "GET",
            "subscriptions/{id}",
            "Look at a subscription",
            parameters=_ID,
            answer=wire.SubscriptionInfo,
            answers={"": examples.SUBSCRIPTION},
            answered="The subscription, and what it spent this month.",
            refusals=(*_SHARED, SubscriptionNotFound),
            handle=get_subscription,
        ),
        _operation(
            "updateSubscription",
            "PATCH",
            "subscriptions/{id}",
            "Change a subscription",
            description="Suspend, activate or cancel it, move it to another product, or set its end.",
            parameters=_ID,
            wire=wire.SubscriptionChange,
            answer=wire.SubscriptionInfo,
            example={"state": "suspended"},
            answers={"": examples.SUBSCRIPTION},
            answered="The subscription as it is now.",
            refusals=(*_SHARED, SubscriptionNotFound),
            handle=update_subscription,
        ),
        _operation(
            "rotateKey",
            "POST",
            "subscriptions/{id}/keys/{slot}",
            "Replace a key",
            description="The old key in that slot stops working within a second or so; the other goes on.",
            parameters={**_ID, "slot": f"Which key: {' or '.join(KeySlot)}."},
            answer=wire.IssuedKey,
            answers={"": examples.KEY},
            answered="The new key, shown this once.",
            status=201,
            refusals=(*_SHARED, SubscriptionNotFound),
            handle=rotate_key,
        ),
    ),
)
