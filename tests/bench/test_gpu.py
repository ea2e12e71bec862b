"""The benchmark of models, on a machine that has no GPU."""

import subprocess
import sys

import pytest

from tests.architecture import source_tree

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here, on which it would measure")
def test_without_a_gpu_it_runs_through_and_says_that_it_measured_nothing():
    command = [sys.executable, "-m", "bench.gpu"]
    done = subprocess.run(command, cwd=source_tree.ROOT, capture_output=True, text=True, check=True)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| tiny")]
    assert len(rows) == 4
    assert "NOTHING WAS MEASURED" in done.stdout
    assert not any("ok" in row or "MISSED" in row for row in rows)
