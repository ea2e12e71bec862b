"""`python3 dev.py pictures DIR`, without the parts that need a browser."""

import json
import subprocess
import sys
from pathlib import Path

FIELD = Path(__file__).parent / "field"
ROOT = Path(__file__).parents[2]


def test_a_folder_of_pictures_is_tried_and_told(tmp_path):
    told = tmp_path / "told.json"
    command = [sys.executable, "-m", "tools.pictures", str(FIELD), "--json", str(told), "--no-browser"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "6 files: 5 read, 1 refused" in ran.stdout
    assert "a raw photograph (DNG)" in ran.stdout
    rows = {Path(each["file"]).name: each for each in json.loads(told.read_text("utf-8"))}
    assert rows["photo-8160x6144.png"]["width"] == 8160
    assert rows["dng-thumbnail-first.dng"]["outcome"] == "image_unsupported_type"
    assert all(each["peak_mb"] < 2000 for each in rows.values())
