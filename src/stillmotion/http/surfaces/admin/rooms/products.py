"""Products: list, make, look, change."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from stillmotion.application.administration import Administration
from stillmotion.domain.errors import ProductNotFound
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult, Unfiltered
from stillmotion.http.resources.product_info import ProductInfo
from stillmotion.http.surfaces.admin import examples, translate, wire
from stillmotion.http.surfaces.admin.operations import SHARED, office_operation

_ENCODE = msgspec.json.Encoder().encode
_NAME: Final[Mapping[str, str]] = {"name": "The product's name."}


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


PRODUCT_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
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
    office_operation(
        "createProduct",
        "POST",
        "products",
        "Make a product",
        description="What is left out is not limited, or has the usual limit.",
        wire=wire.NewProduct,
        answer=ProductInfo,
        example=examples.NEW_PRODUCT,
        answers={"": examples.PRODUCT},
        answered="The product.",
        status=201,
        handle=create_product,
    ),
    office_operation(
        "getProduct",
        "GET",
        "products/{name}",
        "Look at a product",
        parameters=_NAME,
        answer=ProductInfo,
        answers={"": examples.PRODUCT},
        answered="The product.",
        refusals=(*SHARED, ProductNotFound),
        handle=get_product,
    ),
    office_operation(
        "updateProduct",
        "PATCH",
        "products/{name}",
        "Change a product",
        description="Its subscriptions have the new terms within a second or so.",
        parameters=_NAME,
        wire=wire.ProductTerms,
        answer=ProductInfo,
        example={"submits_per_minute": 120, "models": None},
        answers={"": examples.PRODUCT},
        answered="The product as it is now.",
        refusals=(*SHARED, ProductNotFound),
        handle=update_product,
    ),
)
