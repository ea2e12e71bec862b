"""Runner of many commands in one process: `python -m tests.faults.many_commands '[["keys", "list"], …]'`.

It prints the exit code of each and all that it said, as JSON.
"""

import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

from stillmotion.cli.main import main


def ended(words: Sequence[str]) -> tuple[int, str]:
    said, code = io.StringIO(), 0
    sys.argv = ["stillmotion", *words]
    with redirect_stdout(said), redirect_stderr(said):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return code, said.getvalue()


def tell(commands: str) -> None:
    print(json.dumps([ended(each) for each in json.loads(commands)]))


if __name__ == "__main__":
    tell(sys.argv[1])
