"""The networks in the package: on record with their origin, and the very files that are on record."""

import shutil

import numpy as np

from stillmotion.vision.network import Network
from tools.networks import FOLDER, RECORD, differences, main, recorded


def test_the_networks_are_the_files_on_record(capsys):
    assert main([]) == 0
    assert "3 networks" in capsys.readouterr().out


def test_each_has_a_package_a_licence_and_a_notice():
    for origin in recorded(FOLDER):
        assert origin["licence"] == "Apache-2.0"
        source = origin.get("package") or origin["begun_from"]
        assert f"{source} {origin['version']}" in (FOLDER / "NOTICE").read_text("utf-8")
    assert "Apache License" in (FOLDER / "LICENSE").read_text("utf-8")


def test_another_a_missing_and_a_nameless_file_are_named(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "networks")
    first, second, *_ = (origin["file"] for origin in recorded(folder))
    changed = bytearray((folder / first).read_bytes())
    changed[-1] ^= 1
    (folder / first).write_bytes(changed)
    (folder / second).rename(folder / "another.tflite")
    assert list(differences(folder)) == [
        f"another.tflite is not on record in {RECORD}",
        f"{first} is not the file that is on record",
        f"{second} is missing",
    ]


def test_a_network_that_was_put_away_says_the_same_again():
    faces = Network("face_detection_short_range.tflite", ("classificators", "regressors"))
    rgb = np.random.default_rng(5).integers(0, 256, (128, 128, 3), np.uint8)
    held = [output.tobytes() for output in faces.run(rgb, 1 / 127.5, 127.5)]
    faces.put_away()
    faces.put_away()
    assert [output.tobytes() for output in faces.run(rgb, 1 / 127.5, 127.5)] == held
