"""Help and completion: they are quick, since they import only what they need."""

import subprocess
import sys

import pytest

from stillmotion.cli import main
from tests.end_to_end.conftest import clean_environment


def loaded_by(*words):
    text = f"import sys\nsys.argv = ['stillmotion', *{list(words)!r}]\nfrom stillmotion.cli.main import main\n"
    text += "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_little_more_than_click():
    loaded = loaded_by("--help")
    assert {each for each in loaded if each.startswith("stillmotion.")} <= {
        *("stillmotion.cli", "stillmotion.cli.main"),
        *("stillmotion.domain", "stillmotion.domain.errors", "stillmotion.domain.plurals"),
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
        ("stillmotion workers d", {"drain"}),
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


@pytest.mark.parametrize("words", ["models --offered", "models list --offered"])
def test_options_of_a_list_may_follow_the_noun(words, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stillmotion", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 0
    assert "parallax" in capsys.readouterr().out


def test_an_option_that_no_list_has_is_refused_in_the_words_of_the_list(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stillmotion", "workers", "--jsn"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "stillmotion workers list --help" in said
    assert "--json" in said


def test_help_of_a_noun_is_its_own_and_names_what_it_does_alone(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stillmotion", "queue", "--help"])
    with pytest.raises(SystemExit):
        main.main()
    assert "Without a command it does `show`" in capsys.readouterr().out
