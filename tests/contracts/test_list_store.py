"""`ListStore`: an owner's lists, filtered, in both directions."""

from datetime import timedelta

import pytest

from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.application.ports.lists import EVERYTHING, Filter, Walk, folded
from stillmotion.domain.errors import GenerationFailed, InvalidRequest
from stillmotion.domain.lifecycle import State
from tests.builders import NOON, some_assets
from tests.contracts.conftest import keep_subscription
from tests.contracts.test_generation_store import claim, submit

DAY = timedelta(days=1)
BROKEN = GenerationFailed("engine_failed", "It broke.")
UNFINISHED = frozenset({State.QUEUED, State.DREAMING})
FAILED = frozenset({State.FAILED, State.CANCELLED})


async def ids(store, subscription, chosen=EVERYTHING, limit=100, **walk):
    return [each.id for each in await store.listed(subscription.id, chosen, Walk(limit, **walk))]


async def in_state(store, subscription, state, **parts):
    """The id of a generation that has come to a state."""
    made = (await submit(store, subscription, **parts)).generation.id
    if state is State.CANCELLED:
        await store.change(made, lambda each: each.cancelled(NOON))
    elif state is not State.QUEUED:
        await store.change(made, claim)
    if state is State.FAILED:
        await store.change(made, lambda each: each.attempt_failed(each.lease, BROKEN, NOON))
    elif state is State.COMPLETED:
        await store.change(made, lambda each: each.completed(each.lease, some_assets(made), "{}", NOON))
    return made


async def test_a_subscriptions_generations_are_listed_by_age(store, subscription):
    assert await ids(store, subscription) == []
    made = [(await submit(store, subscription)).generation.id for _ in range(5)]
    await submit(store, await keep_subscription(store, name="another"))
    assert await ids(store, subscription) == made[::-1]
    assert await ids(store, subscription, limit=2, offset=1) == [made[3], made[2]]
    for newest_first in (True, False):
        inward = made[::-1] if newest_first else made
        assert await ids(store, subscription, newest_first=newest_first) == inward
        assert await ids(store, subscription, limit=2, edge=inward[1], newest_first=newest_first) == inward[2:4]
        assert await ids(store, subscription, edge=inward[4], newest_first=newest_first) == []


@pytest.mark.parametrize("chosen", [EVERYTHING, Filter(states=UNFINISHED), Filter(search="girl")])
async def test_an_edge_holds_though_there_is_no_such_generation(store, subscription, chosen):
    before = (await submit(store, subscription)).generation.id
    gone = new_uuid7()
    after = (await submit(store, subscription)).generation.id
    assert await ids(store, subscription, chosen, edge=gone) == [before]
    assert await ids(store, subscription, chosen, edge=gone, newest_first=False) == [after]


async def test_what_is_listed_is_what_is_shown_of_each(store, subscription):
    made = (await submit(store, subscription, prompt="a lake", metadata={"a": "b"}, retry_of="0199-earlier")).generation
    await store.change(made.id, claim)
    view = await store.view(subscription.id, made.id)
    assert (view.metadata, view.retry_of) == ({"a": "b"}, "0199-earlier")
    assert await store.listed(subscription.id, EVERYTHING, Walk(1)) == [view]
    assert await store.listed(subscription.id, Filter(search="lake"), Walk(1)) == [view]


@pytest.mark.parametrize("more", [{}, {"search": "girl"}])
async def test_states_are_those_of_the_last_commit(store, subscription, more):
    made = {state: await in_state(store, subscription, state) for state in (*State, *State)}
    twice = [made[state] for state in State]
    for states in (UNFINISHED, FAILED, frozenset({State.COMPLETED}), frozenset(State)):
        chosen = Filter(states=states, **more)
        listed = list(await store.listed(subscription.id, chosen, Walk(100)))
        assert {each.state for each in listed} == states
        assert len(listed) == 2 * len(states)
        assert [each.id for each in listed] == sorted((each.id for each in listed), reverse=True)
        assert [each.id for each in listed if each.id in twice] == [
            each for each in reversed(twice) if (await store.find(each)).state in states
        ]
        assert await ids(store, subscription, chosen, limit=1, offset=1) == [listed[1].id]


async def test_a_search_looks_into_prompts_ids_and_metadata_in_any_case(store, subscription):
    prompt = (
        await submit(store, subscription, prompt="A Lake in the CAFE\N{COMBINING ACUTE ACCENT} 100% _")
    ).generation.id
    noted = (await submit(store, subscription, prompt="x", metadata={"order": "Straße 5"})).generation.id
    found = {
        "lake": [prompt],
        "café": [prompt],
        "0% _": [prompt],
        "STRASSE": [noted],
        "order": [],
        "%": [prompt],
        noted[9:].upper(): [noted],
        "lake street": [],
    }
    for asked, expected in found.items():
        assert await ids(store, subscription, Filter(search=folded(asked))) == expected, asked


async def test_the_other_filters_and_all_of_them_together(store, subscription):
    made = [
        (
            await submit(
                store, subscription, model=model, created_at=NOON + day * DAY, metadata={"n": f"{day}", 'c"': '"n":"7"'}
            )
        ).generation.id
        for day, model in enumerate(("ray-2", "ray-1-6", "ray-2", "sora-2"))
    ]
    assert await ids(store, subscription, Filter(model="ray-2")) == [made[2], made[0]]
    assert await ids(store, subscription, Filter(created_after=NOON + DAY)) == made[:0:-1]
    assert await ids(store, subscription, Filter(created_before=NOON + DAY)) == [made[0]]
    assert await ids(store, subscription, Filter(metadata={"n": "2"})) == [made[2]]
    assert await ids(store, subscription, Filter(metadata={"n": "7"})) == []
    assert await ids(store, subscription, Filter(metadata={"n": "2", "m": "2"})) == []
    assert await ids(store, subscription, Filter(id_start=made[1])) == [made[1]]
    assert await ids(store, subscription, Filter(id_start=made[1][:-1] + "g")) == []
    assert await ids(store, subscription, Filter(id_start=made[0][:2]), edge=made[2]) == [made[1], made[0]]
    every = Filter(UNFINISHED, "ray-2", "girl", made[2][:8], NOON, NOON + 3 * DAY, {"n": "2"})
    assert await ids(store, subscription, every) == [made[2]]


async def test_an_edited_generation_is_found_by_its_new_words(store, subscription):
    made = (await submit(store, subscription, prompt="a lake", metadata={"a": "1", "b": "2"})).generation.id
    edited = await store.change(made, lambda each: each.edited("a hill", {"a": None, "c": "Third"}))
    assert (edited.request.prompt, edited.metadata) == ("a hill", {"b": "2", "c": "Third"})
    assert await store.find(made) == edited
    assert await ids(store, subscription, Filter(search="lake")) == []
    assert await ids(store, subscription, Filter(search="hill", metadata={"c": "Third"})) == [made]
    assert await ids(store, subscription, Filter(search="third")) == [made]
    await store.change(made, claim)
    with pytest.raises(InvalidRequest, match="while it is queued"):
        await store.change(made, lambda each: each.edited("a tree", {}))
    assert (await store.change(made, lambda each: each.edited(None, {"b": None}))).metadata == {"c": "Third"}


async def test_a_deleted_generation_leaves_every_list(store, subscription):
    made = await in_state(store, subscription, State.COMPLETED)
    assert await store.delete(made)
    for chosen in (EVERYTHING, Filter(states=frozenset({State.COMPLETED})), Filter(search="girl")):
        assert await ids(store, subscription, chosen) == []


async def test_generations_are_counted_where_an_index_knows_their_number(store, subscription):
    for state in (State.QUEUED, State.FAILED, State.FAILED, State.CANCELLED):
        made = await in_state(store, subscription, state)
    await submit(store, await keep_subscription(store, name="another"))
    assert await store.count(subscription.id, EVERYTHING, 4) == 4
    assert await store.count(subscription.id, EVERYTHING, 3) is None
    assert await store.count(subscription.id, Filter(states=FAILED), 9) == 3
    assert await store.count(subscription.id, Filter(states=FAILED, id_start=made), 9) == 1
    assert await store.count(subscription.id, Filter(search="girl"), 9) is None
