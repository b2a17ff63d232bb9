"""What the README and the other pages tell people to do is possible: operations, links, excerpts, settings, SQL."""

import json
import re
from itertools import chain

import pytest
from graphql import parse, validate

from app.container import contract
from app.settings import Settings
from sandbox.roles import DATABASE, DATABASE_RULES, POWERLESS
from tests.docs.rules import ROOT

README = (ROOT / "README.md").read_text()
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

QUERIES = [json.loads(body)["query"] for body in re.findall(r"-d '(\{.*?\})'$", README, re.MULTILINE)]
SUBSCRIPTIONS = re.findall(r'"""\n(subscription .*?)"""', README, re.DOTALL)
INLINE = re.findall(r"`((?:query|mutation|subscription) \{.*?\})`", README)


def test_the_first_query_and_the_first_subscription_are_there():
    assert [len(QUERIES), len(SUBSCRIPTIONS)] == [1, 1]


@pytest.mark.parametrize("document", [*QUERIES, *SUBSCRIPTIONS, *INLINE])
def test_an_operation_of_the_readme_is_valid(document):
    assert validate(contract()._schema, parse(document)) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page):
    place = (ROOT / page).parent
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text())
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]

    assert [link for link in relative if not (place / link.partition("#")[0]).exists()] == []
    for link in relative:
        file, _, anchor = link.partition("#")
        assert not anchor or anchor in _anchors((place / file if file else ROOT / page).read_text())


def test_the_excerpts_are_from_the_code():
    excerpts = re.findall(r"```python\n# (\S+)\n(.*?)```", README, re.DOTALL)

    assert len(excerpts) == 4
    assert [file for file, text in excerpts if text not in (ROOT / file).read_text()] == []


def test_the_table_of_settings_has_every_setting():
    table = README.partition("## Settings")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    named = set(chain.from_iterable(re.findall(r"`([A-Z_]+)`", cell) for cell in cells))

    assert named == {name.upper() for name in Settings.model_fields}


def test_the_map_has_every_folder_of_code():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert [folder for folder in sorted(folders) if f"[{folder}/]({folder})" not in README] == []


def test_the_sql_for_real_servers_is_what_the_embedded_ones_get():
    page = " ".join((ROOT / "docs" / "servers.md").read_text().split())

    for role in ("owner", "app", "feed", "ops"):
        assert f"CREATE ROLE cleanshift_{role} LOGIN {POWERLESS} PASSWORD 'change-me-{role}';" in page
    assert f"CREATE ROLE cleanshift_definer NOLOGIN {POWERLESS};" in page
    assert f"CREATE DATABASE {DATABASE} OWNER cleanshift_owner;" in page
    assert [rule for rule in DATABASE_RULES if f"{rule};" not in page] == []


def test_every_decision_has_its_four_parts_and_its_number():
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))

    for number, page in enumerate(decisions, 1):
        text = page.read_text()
        assert page.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        for part in ("Context", "Decision", "Consequences", "Alternatives"):
            assert f"**{part}.**" in text


def _anchors(page: str) -> set[str]:
    """The names by which links reach headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
