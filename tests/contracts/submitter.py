"""A process that submits and prints the acknowledgements: `python -m tests.contracts.submitter DATABASE KIND …`.

`forever SUBSCRIPTION`     submits with eight callers until it is killed; prints each id once it is acknowledged
`burst SUBSCRIPTION N`     submits N at once; prints how many were accepted
`issue NAME`               stores a new subscription with a key; prints the key's digest in hex
`full SUBSCRIPTION`        cannot let its files grow at first; prints the results of three submits
"""

import asyncio
import resource
import sys
from dataclasses import replace
from pathlib import Path

from stillmotion.adapters.store.sqlite import SqliteStore, open_store
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import RateLimitExceeded, StoreUnavailable
from stillmotion.domain.subscriptions import Subscription
from tests.builders import a_generation, a_key, a_product, a_subscription


async def forever(store: SqliteStore, subscription: Subscription) -> None:
    async def caller() -> None:
        while True:
            generation = a_generation(subscription, prompt="p" * 400)
            await store.submit(Submission(generation, subscription.product))
            print(generation.id, flush=True)

    await asyncio.gather(*(caller() for _ in range(8)))


async def burst(store: SqliteStore, subscription: Subscription, count: str) -> None:
    submits = (store.submit(Submission(a_generation(subscription), subscription.product)) for _ in range(int(count)))
    results = await asyncio.gather(*submits, return_exceptions=True)
    refused = [each for each in results if isinstance(each, RateLimitExceeded)]
    accepted = [each for each in results if not isinstance(each, BaseException)]
    if len(refused) + len(accepted) != int(count):
        raise AssertionError(results)
    print(len(accepted))


async def issue(store: SqliteStore, name: str) -> None:
    subscription = a_subscription(a_product(name=name))
    key = a_key(subscription)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [key])
    print(key.digest.hex())


async def full(store: SqliteStore, subscription: Subscription, database: Path) -> None:
    async def submit() -> str:
        try:
            await store.submit(Submission(a_generation(subscription, prompt="p" * 5000), subscription.product))
        except StoreUnavailable:
            return "unavailable"
        return "accepted"

    said = [await submit()]
    longest = database.with_name(database.name + "-wal").stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (longest, hard))
    said += await asyncio.gather(*(submit() for _ in range(5)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    said.append(await submit())
    print(*said)


async def main(database: Path, kind: str, *rest: str) -> None:
    store = open_store(database)
    if kind == "issue":
        await issue(store, *rest)
    else:
        known = {each.id: each for each, _ in await store.subscriptions()}
        subscription = known[rest[0]]
        match kind:
            case "forever":
                await forever(store, subscription)
            case "burst":
                await burst(store, subscription, rest[1])
            case "full":
                await full(store, replace(subscription), database)
    store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
