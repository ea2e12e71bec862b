"""A change of the secret: for a while two are accepted, and what is used meanwhile works on with the new one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stillmotion.adapters.identifiers import new_callback_secret, new_token, new_uuid7
from stillmotion.adapters.secret import InstallationSecret
from stillmotion.application.access import CHECK_SECONDS, Access
from stillmotion.application.administration import AdminAccess
from stillmotion.application.download_urls import AssetUrls, UrlState
from stillmotion.application.history.links import LinkNotFound, Links
from stillmotion.application.ports.store import Submission
from stillmotion.application.sessions import Sessions
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.domain.errors import NotAuthenticated
from stillmotion.domain.subscriptions import KeySlot
from tests.builders import NOON, a_generation, a_product, some_assets
from tests.http.conftest import administration_of

OLD, NEW = b"o" * 32, b"n" * 32
ADMIN_KEY = "k" * 40
URL_KEY = "outputs/one/video.mp4"


class House:
    """The use cases over a store, as a process with one secret, or with two, has them."""

    def __init__(self, store, clock, *secrets):
        self.clock = clock
        secret = InstallationSecret(*secrets)
        peppers = secret.derived(b"keys")
        self.subscriptions = Subscriptions(store, clock, new_uuid7, new_token, new_callback_secret, *peppers)
        self.access = Access(store, clock, *peppers)
        office = replace(administration_of(store, clock), subscriptions=self.subscriptions)
        self.admin = AdminAccess(office, clock, ADMIN_KEY)
        self.sessions = Sessions(store, self.access, self.admin, clock, new_token)
        self.links = Links(store, store, clock, new_uuid7, *secret.derived(b"links"))
        self.urls = AssetUrls(None, clock, *secret.derived(b"urls"))

    async def issue(self, name):
        return await self.subscriptions.issue("basic", name)

    async def secrets(self, issued):
        _, keys = await self.subscriptions.get(issued.subscription.id)
        return {each.slot: self.subscriptions.secret_of(each) for each in keys}

    async def refuses(self, key):
        self.clock.advance(seconds=CHECK_SECONDS)
        with pytest.raises(NotAuthenticated):
            await self.access.authenticate(key)
        return True

    async def sees(self, token):
        self.clock.advance(seconds=CHECK_SECONDS)
        return (await self.access.visit(token)).subscription


@pytest.fixture
async def houses(store, clock):
    await store.add_product(a_product(name="basic"))
    return House(store, clock, OLD), House(store, clock, NEW, OLD), House(store, clock, NEW)


async def test_keys_that_are_used_during_the_change_work_with_the_new_secret_alone(houses):
    before, between, after = houses
    used, unused = await before.issue("used"), await before.issue("unused")
    assert await after.refuses(used.primary)
    found = await between.access.authenticate(used.primary)
    assert found.id == used.subscription.id
    await between.access.keep_uses()
    assert (await after.access.authenticate(used.primary)).id == used.subscription.id
    assert await after.refuses(unused.primary)
    assert await before.refuses(used.primary)
    keys = (await after.subscriptions.get(used.subscription.id))[1]
    assert [each.used_at is not None for each in keys] == [True, False], "the move forgets no use"


async def test_a_process_with_the_secrets_in_the_other_order_accepts_both_too(houses, store, clock):
    before, between, _ = houses
    first = House(store, clock, OLD, NEW)
    for key in ((await before.issue("old")).primary, (await between.issue("new")).primary):
        for _ in range(2):
            for each in (first, between):
                clock.advance(seconds=CHECK_SECONDS)
                await each.access.authenticate(key)
                await each.access.keep_uses()


async def test_the_keys_that_hang_on_the_secret_before_are_told_until_they_are_used(houses):
    before, between, after = houses
    issued = await before.issue("both")
    assert await between.secrets(issued) == {"primary": "before", "secondary": "before"}
    assert await after.secrets(issued) == {"primary": "lost", "secondary": "lost"}
    await between.access.authenticate(issued.primary)
    await between.access.keep_uses()
    assert await between.secrets(issued) == {"primary": "present", "secondary": "before"}
    await after.subscriptions.rotate(issued.subscription.id, KeySlot.SECONDARY)
    assert await after.secrets(issued) == {"primary": "present", "secondary": "present"}


async def test_a_key_from_before_marks_is_marked_when_it_is_used(houses, store):
    before, between, _ = houses
    issued = await before.issue("old")
    digests = [each.digest for each in (await before.subscriptions.get(issued.subscription.id))[1]]
    await store.rename_keys({each: each for each in digests}, b"")
    assert await before.secrets(issued) == {"primary": "present", "secondary": "present"}
    assert await between.secrets(issued) == {"primary": "before", "secondary": "before"}
    await before.access.authenticate(issued.primary)
    await before.access.keep_uses()
    assert len({each.mark for each in (await before.subscriptions.get(issued.subscription.id))[1]}) == 2


async def test_sessions_go_on_and_so_do_those_that_are_opened_during_the_change(houses):
    before, between, after = houses
    issued = await before.issue("visitor")
    opened_before = (await before.sessions.open(issued.primary, "", None)).token
    assert await between.sees(opened_before) == await between.access.authenticate(issued.primary)
    opened_between = (await between.sessions.open(issued.primary, "", None)).token
    await between.access.keep_uses()
    opened_after_move = (await between.sessions.open(issued.primary, "", None)).token
    assert (await between.sees(opened_before)).id == issued.subscription.id
    for token in (opened_between, opened_after_move):
        assert (await after.sees(token)).id == issued.subscription.id


async def test_an_administrators_session_goes_on_while_both_are_accepted(houses):
    before, between, after = houses
    visit = (await before.sessions.open(ADMIN_KEY, "", None)).visit
    assert between.admin.admits(visit)
    assert not after.admin.admits(visit)
    assert after.admin.admits((await between.sessions.open(ADMIN_KEY, "", None)).visit)


async def test_urls_are_good_while_both_are_accepted(houses, clock):
    before, between, after = houses
    expires = int((clock.now() + timedelta(hours=1)).timestamp())
    old, new = (each.urls.link_until("", URL_KEY, NOON + timedelta(hours=1)) for each in (before, between))
    state = {}
    for name, url in (("old", old), ("new", new)):
        signature = url.partition("signature=")[2]
        state[name] = [each.urls.check(URL_KEY, str(expires), signature) for each in (before, between, after)]
    assert state["old"] == [UrlState.GOOD, UrlState.GOOD, UrlState.FORGED]
    assert state["new"] == [UrlState.FORGED, UrlState.GOOD, UrlState.GOOD]


async def test_shared_links_open_while_both_are_accepted(houses, store):
    before, between, after = houses
    owner = (await before.issue("owner")).subscription
    made = await completed(store, owner)
    tokens = [house.links.token(await house.links.share(owner, made, timedelta(days=1))) for house in houses[:2]]
    for token in tokens:
        assert (await between.links.opened(token)).link.generation_id == made
    assert (await after.links.opened(tokens[1])).link.generation_id == made
    with pytest.raises(LinkNotFound):
        await after.links.opened(tokens[0])


async def completed(store, owner):
    generation = a_generation(owner)
    await store.submit(Submission(generation, owner.product))
    claimed = await store.change(generation.id, lambda each: each.claimed(NOON + timedelta(seconds=15)))
    assets = some_assets(generation.id)
    await store.change(generation.id, lambda each: each.completed(claimed.lease, assets, "{}", NOON))
    return generation.id
