"""The printed pages say what the code says."""

import pytest

from domain.errors import Code
from domain.scheduling import AssignmentRole, JobStatus, PaymentStatus
from domain.swaps import SwapKind, SwapStatus
from schema.types.described import field_docs
from subscriptions import messages
from tests.docs.pages import CLOSES, DOCS, PAGES, RETRY, errors_page


@pytest.mark.parametrize("name", PAGES)
def test_a_printed_page_is_the_one_that_the_code_prints(name):
    """A17, R245: `.venv/bin/python -m tests.docs.pages` prints all of them anew."""
    assert (DOCS / name).read_text() == PAGES[name]()


def test_the_page_of_errors_has_every_code_with_its_meaning_and_whether_to_retry():
    page = errors_page()

    assert set(RETRY) == set(Code)
    for code in Code:
        assert f"| `{code}` | {field_docs(Code)[code.name]} | {RETRY[code]} |" in page


def test_every_close_code_of_the_socket_is_explained():
    known = {value for name, value in vars(messages).items() if name.isupper() and isinstance(value, int)}

    assert known == {code for code, *_ in CLOSES} - {1012}


@pytest.mark.parametrize("states", [Code, JobStatus, PaymentStatus, AssignmentRole, SwapKind, SwapStatus])
def test_every_member_that_clients_meet_says_what_it_means(states):
    words = field_docs(states)

    assert [member.name for member in states if not words.get(member.name)] == []
