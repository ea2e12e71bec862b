"""Pre-flight checks at the start of a server: open files, devices, storage. `doctor` makes them too."""

import asyncio
import resource
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from stillmotion.config import Settings, SettingsError
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.errors import StillmotionError, Unavailable
from stillmotion.engines.diffusers.libraries import missing_library

if TYPE_CHECKING:
    from stillmotion.application.ports.objects import ObjectStore

FEWEST_FILES: Final = 128
"""Open files and connections: about fifty are the service's own, and each caller and renderer takes some."""
FEW_FILES: Final = 1024

STORAGE_PATIENCE: Final = timedelta(seconds=30)
DEVICES_PATIENCE: Final = timedelta(seconds=120)
"""Time for a process that imports torch and tries the devices."""

_GPU_FILES: Final = ("nvidiactl", "nvidia0", "kfd", "dxg", "nvhost-gpu", "nvgpu", "nvmap")
"""Device files of GPUs in /dev: NVIDIA's, AMD's, those of WSL and of Jetson boards."""

_ASK_TORCH: Final = """
import sys, torch
for name in sys.argv[1:]:
    try:
        torch.zeros(1, device=name)
    except Exception as error:
        print(name, str(error).splitlines()[0])
"""

log = structlog.get_logger(__name__)


class TooFewFiles(StillmotionError):
    """Raised if the system's limit of open files is too low. The message says how to raise it."""


def refuse_unaddressed(settings: Settings) -> None:
    """Raise `SettingsError` for a server of a fleet without the address that callers use."""
    if is_shared(settings.store) and not settings.public_url:
        raise SettingsError(
            "store is PostgreSQL, so public_url is needed: set it to the address that callers use, since links in "
            "callbacks are made by any server."
        )


def refuse_elsewhere(settings: Settings) -> None:
    """Raise `SettingsError` where a backup of a data directory would be the wrong thing: for a store in PostgreSQL."""
    if is_shared(settings.store):
        raise SettingsError(
            "store is PostgreSQL, which is backed up and restored by its own tools: by point-in-time recovery, or by "
            "pg_dump and pg_restore where it is small. Clips are kept by the bucket's versions, and the secret by you. "
            "`stillmotion move --from-backup` brings a directory's backup into an empty database."
        )


def files_allowed() -> int | None:
    """The hard limit of open files; None without a limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if hard == resource.RLIM_INFINITY else hard


def refuse_few_files() -> None:
    """Raise `TooFewFiles` if a server could not answer a few dozen callers."""
    allowed = files_allowed()
    if allowed is not None and allowed < FEWEST_FILES:
        raise TooFewFiles(
            f"at most {allowed} files can be open at once, and a server needs {FEWEST_FILES} or more: raise it with "
            f"`ulimit -n {FEW_FILES}`, LimitNOFILE={FEW_FILES} in the systemd unit, or the container's ulimits"
        )


def refuse_absent_devices(settings: Settings) -> None:
    """Raise `SettingsError` for devices that cannot be used, as far as that shows without loading torch."""
    trouble = trouble_with_devices(settings.devices) if settings.renderers else None
    if trouble is not None:
        raise SettingsError(f"devices is {','.join(settings.devices)}, but {trouble}")


def trouble_with_devices(devices: Sequence[str]) -> str | None:
    """The reason why devices cannot be used, with its remedy; None if none shows without loading torch."""
    if not devices:
        return None
    missing = missing_library()
    if missing is not None:
        return f"{missing} is not installed: pip install 'stillmotion[diffusers]', or leave devices empty."
    if any(name.startswith("cuda") for name in devices) and sys.platform == "linux" and not _any_there(_GPU_FILES):
        return (
            "no GPU is to be seen in /dev: install its driver, let this process see it (PrivateDevices=no in the "
            "systemd unit, --gpus of the container), or leave devices empty."
        )
    return None


def _any_there(names: Iterable[str]) -> bool:
    return any(Path("/dev", name).exists() for name in names)


async def absent_devices(devices: Sequence[str]) -> Sequence[str]:
    """A line for each device that torch cannot use, with the reason. A child process loads torch, for seconds."""
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _ASK_TORCH, *devices),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(DEVICES_PATIENCE.total_seconds()):
            said, _ = await asking.communicate()
    except TimeoutError:
        return [f"{each} could not be tried within {DEVICES_PATIENCE.total_seconds():g} s" for each in devices]
    finally:
        if asking.returncode is None:
            asking.kill()
            await asking.wait()
    return said.decode("utf-8", "replace").splitlines()


async def tell_absent_devices(settings: Settings) -> None:
    """Log each device of the settings that torch cannot use."""
    if not (settings.devices and settings.renderers):
        return
    for line in await absent_devices(settings.devices):
        log.critical("device_absent", setting="devices", why=line, remedy="mend its driver, or name others in devices")


async def trouble_with_storage(objects: "ObjectStore") -> str | None:
    """The reason why the storage cannot be written to, None if it can. It takes half a minute at most."""
    try:
        async with asyncio.timeout(STORAGE_PATIENCE.total_seconds()):
            await objects.check()
    except Unavailable as error:
        cause = str(error.__cause__ or "").strip().splitlines()
        return f"{error}: {cause[0][:300]}" if cause else str(error)
    except TimeoutError:
        return f"it did not answer within {STORAGE_PATIENCE.total_seconds():g} seconds"
    return None


async def tell_troubles(settings: Settings, objects: "ObjectStore", marks: Sequence[str]) -> None:
    """Log the faults of storage and devices that a server has just started with. `marks` are those of a bucket."""
    await asyncio.gather(_tell_storage(settings, objects, marks), tell_absent_devices(settings))


async def _tell_storage(settings: Settings, objects: "ObjectStore", marks: Sequence[str]) -> None:
    from stillmotion.application.storage_owner import StorageTaken, refuse_anothers

    trouble = await trouble_with_storage(objects)
    remedy = "check the settings storage and storage_options; `stillmotion doctor` tries again"
    if trouble is None:
        try:
            await refuse_anothers(objects, marks)
        except (StorageTaken, Unavailable) as error:
            trouble, remedy = str(error), "give the installation a bucket or a prefix of its own"
    if trouble is not None:
        log.critical(
            "storage_unusable",
            setting="storage",
            storage=settings.storage,
            why=trouble,
            remedy=remedy,
        )
