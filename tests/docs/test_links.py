"""Links of the documentation: none is broken."""

import re

import pytest

from tests.docs.markdown_pages import PAGES, ROOT, anchors, links, name, prose

OF_THE_PROJECT = re.compile(r"`((?:src|tests|tools|bench|docs|examples)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page):
    broken = []
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if not re.match(r"https?:", link) and (not path.exists() or (anchor and anchor not in anchors(path))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_it_names_is_there(page):
    assert [path for path in OF_THE_PROJECT.findall(prose(page)) if not (ROOT / path).exists()] == []


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link}
        waiting += [target for target in targets - reached if target.suffix == ".md" and target.exists()]
    assert [name(page) for page in PAGES if page not in reached] == []


def test_every_decision_is_listed_under_its_title():
    folder = ROOT / "docs" / "adr"
    titles = {path.name: path.read_text("utf-8").partition("\n")[0] for path in folder.glob("0*.md")}
    rows = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    assert titles == {file: f"# {number} {title}" for number, file, title in rows}
