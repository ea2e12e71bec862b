"""Checks of the machine and of the settings. They change nothing and leave nothing behind."""

import asyncio
import os
import secrets
import shutil
import sys
import time

from stillmotion.adapters.directory.data_directory import data_directory
from stillmotion.adapters.models.depth_network import DEFAULT
from stillmotion.composition.depth import NO_MODEL, depth_trouble, pull_command
from stillmotion.composition.doctor.directory import Finding
from stillmotion.composition.installation import open_storage
from stillmotion.composition.preflight import FEW_FILES, files_allowed, refuse_few_files, trouble_with_storage
from stillmotion.config import Settings

LOW_SPACE = 1_000_000_000
"""Free bytes below which the disk is a problem: some thousand short clips, or a few dozen large ones under way."""


def interpreter(settings: Settings) -> Finding:
    """Check the interpreter: name it."""
    del settings
    return Finding("python", f"{sys.version.split()[0]} on {sys.platform}, {os.cpu_count()} cores")


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
    """Check the storage of clips: write, read back, remove."""
    if settings.storage == "local" and not data_directory(settings.data_dir).objects.is_dir():
        return Finding("storage", "local, made with the data directory")
    objects = open_storage(settings)
    key, content = f"checks/doctor-{secrets.token_hex(8)}", secrets.token_bytes(64)

    async def round_trip() -> str | bool:
        trouble = await trouble_with_storage(objects)
        if trouble is not None:
            return trouble
        await objects.put(key, content)
        try:
            return b"".join([piece async for piece in objects.read(key, 0, len(content))]) == content
        finally:
            await objects.delete(key)

    began = time.monotonic()
    came = asyncio.run(round_trip())
    if isinstance(came, str):
        remedy = "Check the settings storage and storage_options: bucket, region, endpoint, keys."
        return Finding("storage", f"{settings.storage} cannot be used: {came}", remedy)
    if not came:
        return Finding("storage", f"{settings.storage} gave back other bytes", "Do not use this storage.")
    return Finding("storage", f"{settings.storage}, written and read back in {time.monotonic() - began:.2f} s")


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
