"""What may be bought: products, and what they include."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stillmotion.application.ports import NewId, SubscriptionStore
from stillmotion.domain.errors import InvalidRequest, Problem, ProductNotFound
from stillmotion.domain.subscriptions import Product, product_problems


@dataclass(frozen=True, slots=True)
class Products:
    """The administration of products.

    `surfaces` and `models` are the names that this server knows; `default` is what a subscription is made for where
    no product is named.
    """

    store: SubscriptionStore
    new_id: NewId
    surfaces: frozenset[str]
    models: frozenset[str]
    default: Product

    async def ensure(self, product: Product) -> Product:
        """The product of that name as it is kept, or this one, kept now."""
        known = await self.store.find_product(product.name)
        if known is None:
            await self.store.add_product(product)
        return known or product

    async def create(self, name: str, terms: Mapping[str, Any]) -> Product:
        """A new product; `terms` are fields of `Product`. Raises `InvalidRequest` with every problem found."""
        product = replace(Product(self.new_id(), name), **terms)
        self._check(product, terms)
        await self.store.add_product(product)
        return product

    async def update(self, name: str, terms: Mapping[str, Any]) -> Product:
        """The product with other terms, for its subscriptions too. Raises `ProductNotFound` or `InvalidRequest`."""

        def change(product: Product) -> Product:
            changed = replace(product, **terms)
            self._check(changed, terms)
            return changed

        return await self.store.change_product(name, change)

    async def get(self, name: str) -> Product:
        """The product of that name. Raises `ProductNotFound`."""
        product = await self.store.find_product(name)
        if product is None:
            raise ProductNotFound(name)
        return product

    async def list(self) -> Sequence[Product]:
        """All products in the order of their names."""
        return await self.store.products()

    def _check(self, product: Product, terms: Mapping[str, Any]) -> None:
        """Names are checked as they are given: what was kept may name what another configuration knows."""
        problems = product_problems(product)
        for field, known in (("surfaces", self.surfaces), ("models", self.models)):
            unknown = sorted((terms.get(field) or frozenset()) - known)
            if unknown:
                listed = ", ".join(sorted(known))
                problems.append(Problem(field, f"holds {', '.join(unknown)}, but this server has {listed}"))
        if problems:
            raise InvalidRequest(*problems)
