"""Poster and preview clip of a result: beside it in the answer, fetched as it is, and gone with it."""

import http.client
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from stillmotion.adapters.identifiers import new_token
from stillmotion.domain.assets import Asset, AssetKind, Assets
from tests.http.conftest import PICTURE_URL, digest
from tests.http.surfaces.test_clear_meaning import DREAM_MACHINE, bearer, dream

PICTURE = {"frame0": {"url": PICTURE_URL}}


def completed(caller, kinds):
    """The id of a generation that is finished with files of these kinds, each of which holds its kind's name."""
    task_id = dream(caller, keyframes=PICTURE).body["id"]
    edge, made = caller.edge, {}
    for kind in kinds:
        content = kind.value.encode()
        asset = Asset(kind, f"generations/{task_id}/{new_token()}{kind.suffix}", len(content), digest(content))
        edge.run(edge.objects.put(asset.key, content))
        made[kind.value] = asset
    until = edge.clock.now() + timedelta(seconds=15)
    caller.change(task_id, lambda each: each.claimed(until))
    caller.change(task_id, lambda each: each.completed(each.lease, Assets(**made), "{}", edge.clock.now()))
    return task_id


@pytest.mark.parametrize("any_edge", ["memory", "sqlite"], indirect=True)
def test_both_are_beside_the_clip_and_go_with_it(any_edge):
    caller = any_edge.caller()
    task_id = completed(caller, AssetKind)
    assets = bearer(caller, "GET", f"{DREAM_MACHINE}/{task_id}").body["assets"]
    kinds = {"poster": "image/jpeg", "preview_video": "video/mp4"}
    addresses = {name: assets[name].removeprefix(any_edge.server.url) for name in kinds}
    for name, content_type in kinds.items():
        fetched = any_edge.ask("GET", addresses[name])
        assert (fetched.status, fetched.content, fetched.headers["content-type"]) == (200, name.encode(), content_type)
    listed = bearer(caller, "GET", DREAM_MACHINE).body["generations"][0]["assets"]
    assert {name: urlsplit(listed[name]).path for name in kinds} == {
        name: urlsplit(address).path for name, address in addresses.items()
    }
    assert bearer(caller, "DELETE", f"{DREAM_MACHINE}/{task_id}").status == 204
    assert {any_edge.ask("GET", address).status for address in addresses.values()} == {404}


@pytest.mark.parametrize("any_edge", ["memory", "sqlite"], indirect=True)
def test_a_result_of_an_earlier_version_has_neither(any_edge):
    caller = any_edge.caller()
    task_id = completed(caller, [AssetKind.VIDEO, AssetKind.THUMBNAIL])
    assets = bearer(caller, "GET", f"{DREAM_MACHINE}/{task_id}").body["assets"]
    assert assets["video"]
    assert (assets["poster"], assets["preview_video"]) == (None, None)


def test_damaged_bytes_are_not_given_out(caller):
    task_id = completed(caller, AssetKind)
    address = bearer(caller, "GET", f"{DREAM_MACHINE}/{task_id}").body["assets"]["poster"]
    key = urlsplit(address).path.partition("/assets/")[2]
    caller.edge.run(caller.edge.objects.put(key, b"pasted"))
    with pytest.raises(http.client.IncompleteRead):
        caller.edge.ask("GET", address.removeprefix(caller.edge.server.url))
