"""The systemd units of the how-tos, read as systemd reads them."""

import configparser

from tests.docs.markdown_pages import ROOT, blocks

SERVICE = ROOT / "docs/howto/run-as-a-service.md"
GPU = ROOT / "docs/howto/models-on-a-gpu.md"


def parsed(text):
    """The settings of each section. Each name has a list, since systemd adds up repeated settings."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        else:
            name, _, value = line.partition("=")
            section.setdefault(name, []).append(value)
    return found


def units(page):
    return [parsed(block) for block in blocks(page, "ini")]


def test_the_unit_hides_devices_and_the_gpus_how_to_gives_the_gpu_back():
    unit, _ = units(SERVICE)
    assert unit["Service"]["PrivateDevices"] == ["yes"]
    (drop_in,) = units(GPU)
    service = drop_in["Service"]
    assert service["PrivateDevices"] == ["no"], "what comes last counts"
    assert service["DevicePolicy"] == ["closed"], "and nothing but what is allowed"
    assert {"char-nvidia* rw", "/dev/kfd rw", "char-drm rw"} <= set(service["DeviceAllow"])
    assert "models-on-a-gpu.md#let-the-service-see-the-gpu" in SERVICE.read_text("utf-8")


def test_a_unit_gives_the_service_its_files_and_its_directory():
    unit, worker = units(SERVICE)
    assert int(unit["Service"]["LimitNOFILE"][0]) >= 1024
    assert unit["Service"]["StateDirectoryMode"] == ["0700"]
    assert worker["Unit"]["After"] == ["stillmotion.service"], "a worker refuses a directory that no server made"
    assert worker["Service"]["ExecStart"][0].split()[-3:] == ["worker", "--renderers", "2"]


def test_the_units_can_be_read_as_unit_files():
    for page in (SERVICE, GPU):
        for block in blocks(page, "ini"):
            configparser.RawConfigParser(strict=False).read_string(block)
