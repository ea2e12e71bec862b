"""`UploadStore`: the contract of every store for uploaded pictures."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.domain.errors import LimitExceeded
from stillmotion.domain.uploads import MAX_KEPT, MAX_KEPT_BYTES, Upload
from tests.builders import NOON
from tests.contracts.conftest import keep_subscription


def an_upload(subscription, **parts):
    id_ = new_uuid7()
    return replace(Upload(id_, subscription.id, f"uploads/{id_}/token", 1000, NOON + timedelta(days=1)), **parts)


async def test_an_upload_is_found_as_it_was_added(store, subscription):
    upload = an_upload(subscription, expires_at=NOON + timedelta(microseconds=1))
    await store.add_upload(upload)
    assert await store.find_upload(subscription.id, upload.id) == upload
    assert await store.find_upload(subscription.id, new_uuid7()) is None


async def test_anothers_upload_is_none(store, subscription):
    upload = an_upload(subscription)
    await store.add_upload(upload)
    another = await keep_subscription(store, name="another")
    assert await store.find_upload(another.id, upload.id) is None


async def test_what_has_expired_is_given_the_longest_expired_first(store, subscription):
    ends = [NOON + timedelta(seconds=each) for each in (3, 1, 2, 4)]
    uploads = [an_upload(subscription, expires_at=end) for end in ends]
    for upload in uploads:
        await store.add_upload(upload)
    assert await store.expired_uploads(NOON, 9) == []
    assert await store.expired_uploads(ends[0], 9) == [uploads[1], uploads[2], uploads[0]]
    assert await store.expired_uploads(ends[0], 2) == [uploads[1], uploads[2]]


async def test_what_is_forgotten_is_gone_and_may_be_forgotten_again(store, subscription):
    upload = an_upload(subscription)
    await store.add_upload(upload)
    for _ in range(2):
        await store.forget_upload(upload.id)
    assert await store.find_upload(subscription.id, upload.id) is None


async def test_a_subscription_has_room_for_so_many_and_another_has_its_own(store, subscription):
    results = await asyncio.gather(
        *(store.add_upload(an_upload(subscription)) for _ in range(MAX_KEPT + 3)), return_exceptions=True
    )
    assert [type(each) for each in results if each is not None] == [LimitExceeded] * 3
    await store.add_upload(an_upload(await keep_subscription(store, name="another")))


async def test_a_subscription_has_room_for_so_many_bytes(store, subscription):
    first = an_upload(subscription, size=MAX_KEPT_BYTES - 1000)
    await store.add_upload(first)
    await store.add_upload(an_upload(subscription))
    with pytest.raises(LimitExceeded):
        await store.add_upload(an_upload(subscription, size=1))
    await store.forget_upload(first.id)
    await store.add_upload(an_upload(subscription, size=1))
