"""Backups: they hold everything that was committed before, and a restored directory equals the original."""

import asyncio
import io
import json
import shutil
import subprocess
import tarfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from stillmotion.adapters.directory.backup import BackupUnusable, restore_backup, write_backup
from stillmotion.adapters.directory.data_directory import DataDirectoryUnusable, open_data_directory
from stillmotion.adapters.objects import LocalObjects
from stillmotion.adapters.store.sqlite import StoreUnusable, open_store
from stillmotion.application.ports.store import Submission
from stillmotion.application.retention import remove_objects
from stillmotion.domain.request import Keyframe
from stillmotion.outputs import BACKUP, OutputRefused, place
from tests.builders import CALLBACK_URL, NOON, ManualClock, a_generation, some_assets
from tests.contracts.conftest import keep_subscription


class House:
    """A data directory with an open store, as a server has it."""

    def __init__(self, root):
        self.directory = open_data_directory(root)
        self.directory.make_secret()
        self.store = open_store(self.directory.database, ManualClock())
        self.objects = LocalObjects(self.directory.objects)

    async def finished(self, subscription):
        generation = a_generation(subscription, callback_url=CALLBACK_URL)
        picture = f"inputs/{generation.id}/picture"
        await self.objects.put(picture, b"picture")
        generation = a_generation(
            subscription, id=generation.id, frame0=Keyframe(key=picture), callback_url=CALLBACK_URL
        )
        await self.store.submit(Submission(generation, subscription.product))
        claimed = await self.store.change(generation.id, lambda each: each.claimed(NOON + timedelta(seconds=15)))
        assets = some_assets(generation.id)
        for asset in assets:
            await self.objects.put(asset.key, f"{asset.kind} of {generation.id}".encode())
        return await self.store.change(
            generation.id, lambda each: each.completed(claimed.lease, assets, '{"moves": []}', NOON)
        )

    def backup(self, file, **how):
        how = {"with_objects": True, "now": NOON, "version": "1.2.3"} | how
        return write_backup(self.directory, place(str(file), BACKUP, "backup"), secret=self.directory.secret(), **how)


@pytest.fixture
def house(tmp_path):
    built = House(tmp_path / "data")
    yield built
    built.store.close()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "stillmotion.tar"


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def test_what_is_restored_is_what_was_there(house, file, tmp_path):
    subscription = await keep_subscription(house.store)
    made = [await house.finished(subscription) for _ in range(3)]
    await house.objects.put("generations/nobody/lost.mp4", b"an orphan")
    manifest = house.backup(file)
    assert (manifest.object_count, manifest.missing) == (15, [])
    assert file.stat().st_mode & 0o777 == 0o600
    assert restore_backup(file, tmp_path / "new") == manifest
    again = House(tmp_path / "new")
    assert again.directory.secret() == house.directory.secret()
    assert await again.store.subscriptions() == await house.store.subscriptions()
    for generation in made:
        assert await again.store.find(generation.id) == generation
        assert await again.store.deliveries(generation.id) == await house.store.deliveries(generation.id)
    kept = files(again.directory.objects)
    assert kept == {name: content for name, content in files(house.directory.objects).items() if "nobody" not in name}
    assert again.directory.open_to_others() == []
    await again.finished(subscription)
    again.store.close()


async def test_objects_can_be_left_out(house, file, tmp_path):
    made = await house.finished(await keep_subscription(house.store))
    assert house.backup(file, with_objects=False).object_count == 0
    restore_backup(file, tmp_path / "new")
    again = House(tmp_path / "new")
    assert await again.store.find(made.id) == made
    assert files(again.directory.objects) == {}
    again.store.close()


async def test_while_everything_is_deleted_a_backup_holds_every_object_that_it_names(house, file, tmp_path):
    """The restore would refuse the backup otherwise."""
    subscription = await keep_subscription(house.store)
    made = [await house.finished(subscription) for _ in range(120)]
    taken = []
    backing_up = threading.Thread(target=lambda: taken.append(house.backup(file)))
    backing_up.start()
    for each in made:
        await house.store.delete(each.id)
        await remove_objects(house.store, house.objects, each.id)
    await asyncio.to_thread(backing_up.join)
    assert taken[0].missing == []
    restore_backup(file, tmp_path / "new")


async def test_while_others_write_a_backup_is_of_one_moment(house, file, tmp_path):
    subscription = await keep_subscription(house.store)
    before = [await house.finished(subscription) for _ in range(20)]
    writing = asyncio.create_task(write_for_ever(house, subscription))
    await asyncio.to_thread(house.backup, file)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    restore_backup(file, tmp_path / "new")
    again = House(tmp_path / "new")
    for generation in before:
        assert await again.store.find(generation.id) == generation
    again.store.close()


async def write_for_ever(house, subscription):
    while True:
        await asyncio.gather(*(house.finished(subscription) for _ in range(4)))


async def test_an_object_that_storage_lost_is_reported_and_does_not_stop_the_backup(house, file, tmp_path):
    made = await house.finished(await keep_subscription(house.store))
    await house.objects.delete(made.assets.video.key)
    assert house.backup(file).missing == [made.assets.video.key]
    restore_backup(file, tmp_path / "new")
    again = House(tmp_path / "new")
    assert await again.store.find(made.id) == made
    again.store.close()


async def test_a_backup_overwrites_nothing_and_leaves_nothing_when_it_fails(house, file, tmp_path):
    file.write_bytes(b"of somebody")
    with pytest.raises(OutputRefused, match="is there already"):
        house.backup(file)
    assert file.read_bytes() == b"of somebody"
    empty, nowhere = open_data_directory(tmp_path / "empty"), place(str(tmp_path / "b.tar"), BACKUP, "backup")
    with pytest.raises(BackupUnusable, match="no database"):
        write_backup(empty, nowhere, with_objects=True, now=NOON, version="1", secret=b"s" * 32)
    (house.directory.root / "secret").write_bytes(b"cut short")
    with pytest.raises(DataDirectoryUnusable):
        house.backup(tmp_path / "new" / "b.tar")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "empty", "stillmotion.tar"]


async def test_a_restore_overwrites_nothing(house, file, tmp_path):
    house.backup(file)
    restore_backup(file, tmp_path / "new")
    for named, sentence in (
        ("new", "is not empty, it holds "),
        ("stillmotion.tar", "is a file"),
        ("stillmotion.tar/x", "is a file"),
    ):
        with pytest.raises(BackupUnusable, match=sentence):
            restore_backup(file, tmp_path / named)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "new", "stillmotion.tar"]


async def test_an_empty_directory_is_filled_as_it_is_since_it_may_be_a_disk(house, file, tmp_path):
    house.backup(file)
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    (tmp_path / "link").symlink_to("disk")
    inode = (tmp_path / "disk").stat().st_ino
    restore_backup(file, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk").stat().st_ino == inode
    assert House(tmp_path / "disk").directory.secret() == house.directory.secret()
    assert not list((tmp_path / "disk").glob(".*"))


async def test_a_link_to_a_directory_that_is_not_there_yet_stays_a_link(house, file, tmp_path):
    house.backup(file)
    (tmp_path / "link").symlink_to("later")
    restore_backup(file, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "later" / "secret").exists()


async def test_a_damaged_backup_is_refused_and_leaves_nothing(house, file, tmp_path):
    await house.finished(await keep_subscription(house.store))
    house.backup(file)
    whole = file.read_bytes()
    at = whole.index(b"thumbnail of")
    (tmp_path / "empty").mkdir()
    damaged = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "other": b"not a tar " * 200,
        "bent": whole[:at] + b"T" + whole[at + 1 :],
    }
    for name, content in damaged.items():
        file.write_bytes(content)
        for root in (tmp_path / name, tmp_path / "empty", tmp_path / "new" / "deep" / name):
            with pytest.raises((BackupUnusable, StoreUnusable)):
                restore_backup(file, root)
    assert sorted(path.name for path in tmp_path.rglob("*") if "data" not in path.parts) == ["empty", "stillmotion.tar"]


@pytest.mark.parametrize(
    "member",
    ["../outside", "/etc/passwd", "objects/../../outside", "objects/", "lock", "secret/x", "./secret", "objects/a b"],
)
async def test_a_backup_cannot_write_elsewhere(house, file, tmp_path, member):
    house.backup(file)
    with tarfile.open(file, "a") as tar:
        info = tarfile.TarInfo(member)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(BackupUnusable, match="which no backup does"):
        restore_backup(file, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "outside").exists()


async def test_a_link_in_a_backup_is_refused(house, file, tmp_path):
    house.backup(file)
    with tarfile.open(file, "a") as tar:
        link = tarfile.TarInfo("objects/generations/x")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(BackupUnusable, match="which no backup does"):
        restore_backup(file, tmp_path / "new")


async def test_a_backup_that_lacks_an_object_it_names_is_refused(house, file, tmp_path):
    await house.finished(await keep_subscription(house.store))
    house.backup(file)
    bag = unpacked(file, tmp_path / "unpacked")
    lines = (bag / "manifest-sha256.txt").read_text().splitlines(keepends=True)
    clip = next(line for line in lines if line.endswith(".mp4\n"))
    (bag / "manifest-sha256.txt").write_text("".join(line for line in lines if line != clip))
    (bag / clip.split()[1]).unlink()
    repacked(bag.parent, tmp_path / "repacked.tar")
    with pytest.raises(BackupUnusable, match="lacks generations/"):
        restore_backup(tmp_path / "repacked.tar", tmp_path / "new")


async def test_anybody_can_verify_a_backup_with_sha256sum(house, file, tmp_path):
    await house.finished(await keep_subscription(house.store))
    manifest = house.backup(file)
    bag = unpacked(file, tmp_path / "unpacked")
    assert (bag / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    assert verified(bag) == (0, {f"data/{name}: OK" for name in manifest.files})
    there = {str(path.relative_to(bag / "data")) for path in (bag / "data").rglob("*") if path.is_file()}
    assert there == set(manifest.files)
    (bag / "data" / "secret").write_bytes(b"bent")
    assert verified(bag)[0] == 1


def verified(bag):
    """The exit code and the lines of `sha256sum`, which every Linux has."""
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    command = ["sha256sum", "-c", "manifest-sha256.txt"]
    done = subprocess.run(command, cwd=bag, capture_output=True, text=True, check=False)
    return done.returncode, set(done.stdout.splitlines())


async def test_a_backup_of_format_1_is_restored(house, file, tmp_path):
    """The tar of versions before BagIt: names without folders, digests in the manifest."""
    made = await house.finished(await keep_subscription(house.store))
    manifest = house.backup(file)
    bag = unpacked(file, tmp_path / "unpacked")
    described = json.loads((bag / "manifest.json").read_text()) | {"format": 1, "missing": []}
    described["files"] = {name: {"size": each.size, "sha256": each.sha256} for name, each in manifest.files.items()}
    (bag / "data" / "manifest.json").write_text(json.dumps(described))
    repacked(bag / "data", tmp_path / "old.tar")
    restored = restore_backup(tmp_path / "old.tar", tmp_path / "new")
    assert (restored.format, restored.files) == (1, manifest.files)
    again = House(tmp_path / "new")
    assert await again.store.find(made.id) == made
    assert not (tmp_path / "new" / "manifest.json").exists()
    again.store.close()


def unpacked(file, folder):
    """The folder of the bag in a backup."""
    with tarfile.open(file) as tar:
        tar.extractall(folder)
    (bag,) = folder.iterdir()
    return bag


def repacked(folder, file):
    """A tar of all files in a folder."""
    with tarfile.open(file, "w") as tar:
        for path in folder.rglob("*"):
            if path.is_file():
                tar.add(path, str(path.relative_to(folder)))
