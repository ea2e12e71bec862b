"""Products: terms that subscriptions are made for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stillmotion.application.ports.store import SubscriptionStore
from stillmotion.application.ports.values import NewId
from stillmotion.domain.catalogue import Catalogue
from stillmotion.domain.errors import InvalidRequest, Problem, ProductNotFound
from stillmotion.domain.subscriptions import Product, product_problems


@dataclass(frozen=True, slots=True)
class Products:
    """The administration of products.

    `surfaces` are the names of this server's surfaces, `catalogue` has those of its models. `default` is the product
    of a subscription for which no other is named.
    """

    store: SubscriptionStore
    new_id: NewId
    surfaces: frozenset[str]
    catalogue: Catalogue
    default: Product

    async def ensure(self, product: Product) -> Product:
        """The stored product of this name. Without one, this product is stored."""
        known = await self.store.find_product(product.name)
        if known is None:
            await self.store.add_product(product)
        return known or product

    async def create(self, name: str, terms: Mapping[str, Any]) -> Product:
        """A new product; `terms` are fields of `Product`. Raises `InvalidRequest` with all problems."""
        terms = self._named(terms)
        product = replace(Product(self.new_id(), name), **terms)
        self._check(product, terms)
        await self.store.add_product(product)
        return product

    async def update(self, name: str, terms: Mapping[str, Any]) -> Product:
        """The product with other terms, for its subscriptions too. Raises `ProductNotFound` or `InvalidRequest`."""
        terms = self._named(terms)

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

    def _named(self, terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """The terms with the catalogue's names of the models."""
        models = terms.get("models")
        if not models:
            return terms
        return {**terms, "models": frozenset(self.catalogue.named(each) or each for each in models)}

    def _check(self, product: Product, terms: Mapping[str, Any]) -> None:
        """Check the names that are given now. Stored ones may be of another configuration."""
        problems = product_problems(product)
        for field, known in (("surfaces", self.surfaces), ("models", frozenset(self.catalogue.models))):
            unknown = sorted((terms.get(field) or frozenset()) - known)
            if unknown:
                listed = ", ".join(sorted(known))
                problems.append(Problem(field, f"holds {', '.join(unknown)}, but this server has {listed}"))
        if problems:
            raise InvalidRequest(*problems)
