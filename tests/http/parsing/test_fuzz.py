"""A few random cases for every operation of the OpenAPI document.

`python3 dev.py fuzz` runs many, and the cases at the bounds of every schema; CI calls that.
"""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_no_answer_is_one_that_the_document_does_not_have():
    command = [sys.executable, "-m", "tools.fuzz", "--seconds", "0", "--examples", "1", "--phases", "examples,fuzzing"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-3000:]
