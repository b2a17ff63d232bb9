"""`docs/rules.md` against the code: what it names is there, and what tests name is in it."""

from collections import Counter

from tests.docs.rules import NOT_YET, ROOT, Row, cited, cited_in, proofs_of, proving, refreshed, rows

PAGE = (ROOT / "docs" / "rules.md").read_text()
ROWS = rows(PAGE)


def test_every_line_of_the_table_is_read_as_one():
    lines = [line for line in PAGE.splitlines() if line.startswith(("| R", "| A"))]

    assert len(ROWS) == len(lines) > 100


def test_every_rule_is_in_its_file_and_named_there():
    assert [row.number for row in ROWS if row.number not in cited_in(row.rule)] == []


def test_every_proof_exists_and_names_its_number():
    assert [(row.number, file) for row in ROWS for file in row.proofs if row.number not in cited_in(file)] == []


def test_no_number_is_there_twice():
    assert [number for number, times in Counter(row.number for row in ROWS).items() if times > 1] == []


def test_every_number_that_a_test_names_has_a_line():
    known = {row.number for row in ROWS}

    assert {file: sorted(cited_in(file) - known) for file in proving() if cited_in(file) - known} == {}


def test_a_number_without_a_proof_gets_it_as_soon_as_a_test_names_it():
    """`.venv/bin/python -m tests.docs.pages` fills the column in."""
    assert [row.number for row in ROWS if not row.proofs and proofs_of(row.number)] == []


def test_numbers_are_read_from_prose_and_from_names():
    assert cited("(R94 to R96, A27b)") == {"R94", "R95", "R96", "A27b"}
    assert cited("def test_this_r98_a27b(): # R1: so") == {"R98", "A27b", "R1"}
    assert cited("def test_it_r160_to_r163():") == {"R160", "R161", "R162", "R163"}
    assert cited("the 4 bars, _raw, A004, ORA12, x_a1b2") == set()


def test_a_line_is_printed_as_it_was_read():
    printed = Row("R999", "Nothing.", "main.py", ()).printed()

    assert printed == f"| R999 | Nothing. | main.py | {NOT_YET} |"
    assert rows(printed) == [Row("R999", "Nothing.", "main.py", ())]
    assert refreshed(printed) == printed
