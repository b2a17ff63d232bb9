"""Text on paper: PDFs whose bytes depend on what is said alone, with whatever letters people's names have.

Nothing is fetched: what Latin-1 can write uses the reader's own Helvetica, everything else the font that lies in
`services/fonts`. A character that even that one lacks is printed as its number, so that nothing is lost in silence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

PICTURE_MILLIMETRES = 60
FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"


@dataclass(frozen=True, slots=True)
class Paper:
    """What is to be printed: a title, paragraphs, and a table of facts below them."""

    title: str
    paragraphs: Sequence[str]
    facts: Sequence[tuple[str, str]]
    at: datetime
    """When the paper was made: part of its bytes."""
    pictures: Sequence[tuple[str, bytes]] = ()
    """Captions and the bytes of small JPEG or PNG pictures, below everything else."""


def printed(paper: Paper) -> bytes:
    """The PDF; the same paper gives the same bytes."""
    pdf = FPDF(format="Letter")
    pdf.set_creation_date(paper.at)
    pdf.set_title(paper.title)
    pdf.set_auto_page_break(True, margin=18)
    family = _family(pdf, paper)
    pdf.add_page()
    for size, line in _lines(paper):
        pdf.set_font(family, size=size)
        pdf.multi_cell(0, size * 0.5, _writable(line, pdf.fonts.get(family)), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        pdf.ln(2)
    for caption, picture in paper.pictures:
        with pdf.unbreakable() as block:
            block.set_font(family, size=9)
            block.multi_cell(0, 5, _writable(caption, family), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            block.image(BytesIO(picture), w=PICTURE_MILLIMETRES)
            block.ln(2)
    return bytes(pdf.output())


def _family(pdf: FPDF, paper: Paper) -> str:
    if all(_is_latin(line) for _, line in _lines(paper)):
        return "helvetica"
    pdf.add_font("dejavu", fname=FONT)
    return "dejavu"


def _lines(paper: Paper) -> Iterator[tuple[int, str]]:
    yield 15, paper.title
    for paragraph in paper.paragraphs:
        yield 10, paragraph
    for name, value in paper.facts:
        yield 9, f"{name}: {value}"


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _writable(text: str, font: object) -> str:
    """The text in characters that the font has; the others by their numbers."""
    plain = text.replace("\t", "    ")
    if not isinstance(font, TTFFont):
        return plain
    return "".join(each if each == "\n" or ord(each) in font.cmap else f"<U+{ord(each):04X}>" for each in plain)
