"""Help and completion: they are quick, since they import only what they need."""

import subprocess
import sys

import pytest

from tests.end_to_end.conftest import clean_environment


def loaded_by(*words):
    text = f"import sys\nsys.argv = ['stillmotion', *{list(words)!r}]\nfrom stillmotion.cli.main import main\n"
    text += "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_little_more_than_click():
    loaded = loaded_by("--help")
    assert {each for each in loaded if each.startswith("stillmotion.")} <= {
        *("stillmotion.cli", "stillmotion.cli.main", "stillmotion.domain", "stillmotion.domain.errors"),
    }
    assert loaded & {"httpx2", "rich", "msgspec", "numpy", "asyncio", "structlog", "mcp"} == set()


def test_the_help_of_generate_waits_for_no_engine_or_client():
    ours = {"stillmotion.composition.service", "stillmotion.client"}
    heavy = {"httpx2", "rich", "numpy", "cv2", "av", "aiohttp", "apsw", *ours}
    assert loaded_by("generate", "--help") & heavy == set()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("stillmotion gener", {"generate", "generations"}),
        ("stillmotion generate --camera orbit_", {"orbit_left", "orbit_right"}),
    ],
)
def test_a_shell_is_told_how_a_word_can_go_on(words, expected):
    environment = clean_environment(
        _STILLMOTION_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1)
    )
    command = [
        sys.executable,
        "-c",
        "import sys; sys.argv[0] = 'stillmotion'; from stillmotion.cli.main import main; main()",
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert {line.partition(",")[2] for line in done.stdout.split()} == expected
