"""Checks of the machine and of the settings. They change nothing and leave nothing behind."""

import asyncio
import os
import secrets
import shutil
import sys
import time

from stillmotion.adapters.directory.data_directory import data_directory
from stillmotion.adapters.models.depth_network import DEFAULT
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.composition.depth import NO_MODEL, depth_trouble, pull_command
from stillmotion.composition.doctor.directory import Finding
from stillmotion.composition.installation import open_storage
from stillmotion.composition.preflight import FEW_FILES, files_allowed, refuse_few_files, trouble_with_storage
from stillmotion.config import Settings
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.plurals import plural

LOW_SPACE = 1_000_000_000
"""Free bytes below which the disk is a problem: some thousand short clips, or a few dozen large ones under way."""


ANOTHER_SERVER = (
    "Use another server, or a newer one, for the bucket: docs/howto/s3-storage.md names those that are tried."
)


def interpreter(settings: Settings) -> Finding:
    """Check the interpreter: name it."""
    del settings
    return Finding("python", f"{sys.version.split()[0]} on {sys.platform}, {plural(os.cpu_count() or 1, 'core')}")


def sqlite(settings: Settings) -> Finding:
    """Check the SQLite library: none that may lose commits."""
    from stillmotion.adapters.store.sqlite.connections.database import refuse_unsafe_sqlite, sqlite_version

    del settings
    version = sqlite_version()
    refuse_unsafe_sqlite(version)
    return Finding("sqlite", f"{'.'.join(map(str, version))}, without the WAL-reset bug")


def set_up(settings: Settings) -> Finding:
    """Check the settings as a whole."""
    from stillmotion.composition.engines import catalogue, has_encoder, video_codec
    from stillmotion.composition.outbound import image_source
    from stillmotion.domain.request import VideoCodec

    image_source(settings)
    codec = video_codec(settings)
    others = " and ".join(each for each in VideoCodec if each is not codec and has_encoder(each))
    missing = ", ".join(each for each in VideoCodec if not has_encoder(each))
    on_request = f"{others} on request" if others else f"the installed PyAV has no encoder for {missing}"
    offered = len(catalogue(settings).models)
    links = settings.public_url or "as the server is called"
    said = f"clips are {codec} ({on_request}), kept in {settings.storage}; links: {links}"
    return Finding("settings", f"{said}; renderers: {settings.renderers}; models: {offered}")


def open_files(settings: Settings) -> Finding:
    """Check the limit of open files."""
    del settings
    allowed = files_allowed()
    if allowed is not None and allowed < FEW_FILES:
        refuse_few_files()
        remedy = f"Raise it to {FEW_FILES} or more: `ulimit -Hn`, or LimitNOFILE= of the service."
        return Finding("open files", f"at most {allowed}: few callers can be connected at once", remedy)
    return Finding("open files", f"up to {'any number' if allowed is None else allowed}")


def free_space(settings: Settings) -> Finding:
    """Check the free space of the disk."""
    folder = next(
        each for each in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if each.exists()
    )
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB"
    if free < LOW_SPACE:
        return Finding("free space", said, "Make room, or choose a data directory on another disk.")
    return Finding("free space", said)


def storage(settings: Settings) -> Finding:
    """Check the storage of clips: write, read back, read a part, remove."""
    if settings.storage == "local" and not data_directory(settings.data_dir).objects.is_dir():
        return Finding("storage", "local, made with the data directory")
    began = time.monotonic()
    trouble, remedy = asyncio.run(_storage_trouble(open_storage(settings)))
    if trouble:
        return Finding("storage", f"{settings.storage} {trouble}", remedy)
    return Finding("storage", f"{settings.storage}, written and read back in {time.monotonic() - began:.2f} s")


async def _storage_trouble(objects: ObjectStore) -> tuple[str, str]:
    """The problem of the storage and its remedy; empty for a good one."""
    trouble = await trouble_with_storage(objects)
    if trouble is not None:
        remedy = "See that it runs, and check storage and storage_options: bucket, region, endpoint, keys."
        return f"cannot be used: {trouble}", remedy
    key, content = f"checks/doctor-{secrets.token_hex(8)}", secrets.token_bytes(64)
    try:
        held = [await objects.create(key, each) for each in (content, content[::-1])]
        whole = await objects.whole(key)
        parts = await _part(objects, key, 8, 16)
    finally:
        await objects.delete(key)
    if held[0] != content or whole is None or whole[1] not in (content, content[::-1]):
        return "gave back other bytes", "Do not use this storage."
    if held[1] != content:
        return "writes over an object where it was told not to (If-None-Match)", ANOTHER_SERVER
    if parts != content[8:16]:
        return "does not give a part of an object (Range): no browser could jump within a clip", ANOTHER_SERVER
    return "", ""


async def _part(objects: ObjectStore, key: str, start: int, end: int) -> bytes | None:
    """A part of an object; None from a store that answers a range wrongly."""
    try:
        return b"".join([piece async for piece in objects.read(key, start, end)])
    except Unavailable:
        return None


def depth(settings: Settings) -> Finding:
    """Check the source of depth."""
    known = depth_trouble(settings)
    if known is None and settings.depth_model in NO_MODEL:
        return Finding("depth", f"estimated from the picture, since depth_model is {settings.depth_model}")
    if known is None:
        return Finding(
            "depth", f"estimated from the picture; `{pull_command(DEFAULT)}` fetches a larger network that tells it"
        )
    said, trouble = known
    return Finding("depth", trouble or said, "Do what the sentence says, then look again." if trouble else "")
