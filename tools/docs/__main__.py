"""`python -m tools.docs [--check]`: write the generated parts of docs/, or only say which are out of date."""

import argparse
import sys

from tools.docs.pages import ROOT, outdated


def main() -> int:
    """Exit code 1 where `--check` found a page that differs from the code."""
    parser = argparse.ArgumentParser(prog="python3 dev.py docs", description="Write the reference pages from the code.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 where a page is out of date")
    only_check = parser.parse_args().check
    pages = outdated()
    for path, text in pages.items():
        if not only_check:
            path.write_text(text, "utf-8")
        print(f"{path.relative_to(ROOT)}: {'out of date, run `python3 dev.py docs`' if only_check else 'written'}")
    if not pages:
        print("Every page agrees with the code.")
    return 1 if pages and only_check else 0


sys.exit(main())
