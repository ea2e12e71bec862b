"""Subscriptions and their keys."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from stillmotion.application.administration import Administration
from stillmotion.domain.errors import InvalidRequest, Problem, SubscriptionNotFound
from stillmotion.domain.subscriptions import KeySlot
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult, Unfiltered
from stillmotion.http.surfaces.admin import examples, translate, wire
from stillmotion.http.surfaces.admin.operations import SHARED, office_operation

_ENCODE = msgspec.json.Encoder().encode
_ID: Final[Mapping[str, str]] = {"id": "The subscription's id."}


async def list_subscriptions(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """Every subscription."""
    del asked
    now, known = call.services.clock.now(), office.subscriptions
    listed = tuple(translate.subscription(known, each, keys, now) for each, keys in await known.list())
    return OperationResult(_ENCODE(wire.SubscriptionList(listed)))


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
    now, usage = call.services.clock.now(), await office.subscriptions.usage(known.id)
    return OperationResult(_ENCODE(translate.subscription(office.subscriptions, known, keys, now, usage)))


async def rotate_key(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """A new key in a slot."""
    del asked
    subscription_id, slot = call.path["id"].lower(), call.path["slot"]
    if slot not in set(KeySlot):
        raise InvalidRequest(Problem("slot", f"must be {' or '.join(KeySlot)}"))
    key = (await office.subscriptions.rotate(subscription_id, KeySlot(slot))).key
    return OperationResult(_ENCODE(wire.IssuedKey(subscription_id, slot, key)), status=201)


SUBSCRIPTION_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
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
    office_operation(
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
    office_operation(
        "getSubscription",
        "GET",
        "subscriptions/{id}",
        "Look at a subscription",
        parameters=_ID,
        answer=wire.SubscriptionInfo,
        answers={"": examples.SUBSCRIPTION},
        answered="The subscription, and what it spent this month.",
        refusals=(*SHARED, SubscriptionNotFound),
        handle=get_subscription,
    ),
    office_operation(
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
        refusals=(*SHARED, SubscriptionNotFound),
        handle=update_subscription,
    ),
    office_operation(
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
        refusals=(*SHARED, SubscriptionNotFound),
        handle=rotate_key,
    ),
)
