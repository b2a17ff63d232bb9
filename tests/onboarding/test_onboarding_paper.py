"""Papers: the same words give the same bytes, and no letter is lost in silence (R132)."""

from datetime import UTC, datetime, timedelta

import pytest

from services.paper import Paper, printed

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def paper(title: str = "Title", words: str = "Some words.", name: str = "Ann", at: datetime = AT) -> Paper:
    return Paper(title, [words, "More."], [("Signed by", name)], at)


@pytest.mark.parametrize("name", ["Ann", "Núñez", "Анна", "李明", "😀"])
def test_the_same_paper_has_the_same_bytes(name: str) -> None:
    """R132: so that its digest can be made again."""
    assert printed(paper(name=name)) == printed(paper(name=name))


def test_another_word_another_time_other_bytes() -> None:
    """R132."""
    every = [paper(), paper("Titel"), paper(words="x"), paper(name="Anna"), paper(at=AT + timedelta(seconds=1))]
    assert len({printed(one) for one in every}) == len(every)


def test_a_long_text_runs_over_many_pages() -> None:
    """R132: as many letters as a text may have, some of them in words that fit on no line."""
    long = printed(paper(words="A word of some length. " * 2_000 + "x" * 8_000))
    assert long.count(b"/Type /Page\n") > 5
