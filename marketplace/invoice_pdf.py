"""An invoice as a PDF: drawn from its row alone, in a font that covers the scripts of Europe and more.

The font is DejaVu Sans (`fonts/LICENSE-DejaVu.txt`): it has Hebrew and Arabic too. A character that it lacks, of a name
in Chinese for example, is drawn as a box and never stops the rest; then the invoice says so, and where all of it is.
"""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

from babel.core import Locale
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from billing.queries.charges import ChargedFor
from kernel.money import Money
from kernel.money_in_words import day_in_words, money_in_words, month_in_words
from kernel.months import read_month
from marketplace.models import Invoice
from marketplace.right_to_left import as_drawn

FONT: Final = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
FAMILY: Final = "DejaVu"
BOX: Final = "\u25a1"
INK: Final = (35, 32, 26)
FADED: Final = (107, 99, 84)
GOLD: Final = (143, 106, 20)

_NOT_DRAWN: Final = (
    "A box stands for a character that cannot be drawn here. Every name is written in full in the data of {}."
)

WHAT: Final = {
    ChargedFor.REWARD: "Rewards for accepted answers",
    ChargedFor.FEE: "The platform's fees",
    ChargedFor.BONUS: "Bonuses",
    ChargedFor.LIFT: "Pay lifted to the floor",
    ChargedFor.INTERRUPTION: "Time of work that was taken away",
    ChargedFor.OTHER: "Other",
}


def pdf_of(invoice: Invoice, *, locale: Locale) -> bytes:
    """The invoice as a file: the same bytes each time it is asked for in one locale."""
    pdf = FPDF(format="A4")
    pdf.set_creation_date(invoice.issued_at)
    pdf.set_title(f"Invoice {invoice.shown_number}")
    pdf.set_lang("en")
    pdf.add_font(FAMILY, fname=FONT)
    pdf.set_margins(22, 22)
    pdf.set_auto_page_break(auto=True, margin=22)
    pdf.add_page()
    _head(pdf, invoice, locale)
    _lines(pdf, invoice, locale)
    _sums(pdf, invoice, locale)
    if any(BOX in covered(name) for name in (invoice.client_name, *(line["title"] for line in invoice.lines))):
        _say(pdf, _NOT_DRAWN.format(invoice.shown_number), size=9, colour=FADED)
    return bytes(pdf.output())


def _head(pdf: FPDF, invoice: Invoice, locale: Locale) -> None:
    _say(pdf, "Assay", size=11, colour=GOLD)
    pdf.ln(4)
    _say(pdf, f"Invoice {invoice.shown_number}", size=22)
    _say(pdf, month_in_words(read_month(invoice.month), locale), size=12, colour=FADED)
    pdf.ln(6)
    country = locale.territories.get(invoice.client_country, invoice.client_country)
    _say(pdf, "For", size=9, colour=FADED)
    _say(pdf, invoice.client_name, size=12)
    _say(pdf, country, size=11)
    pdf.ln(3)
    _say(pdf, f"Issued on {day_in_words(invoice.issued_at, locale)}, in {invoice.currency}", size=9, colour=FADED)
    pdf.ln(6)


def _lines(pdf: FPDF, invoice: Invoice, locale: Locale) -> None:
    pdf.set_font(FAMILY, size=9)
    pdf.set_text_color(*INK)
    pdf.set_draw_color(228, 220, 203)
    head = FontFace(color=FADED)
    with pdf.table(
        col_widths=(38, 36, 10, 16),
        text_align=("LEFT", "LEFT", "RIGHT", "RIGHT"),
        headings_style=head,
        borders_layout="HORIZONTAL_LINES",
        line_height=6,
        padding=(0.6, 0),
    ) as table:
        table.row(("Job", "For", "Number", "Amount"))
        for line in invoice.lines:
            amount = money_in_words(Money(line["amount_minor"], invoice.currency), locale)
            what = WHAT[ChargedFor(line["charged_for"])]
            table.row((covered(line["title"] or "–"), what, str(line["times"]), covered(amount)))
    pdf.ln(6)


def _sums(pdf: FPDF, invoice: Invoice, locale: Locale) -> None:
    for words, minor, size in (
        ("To workers", invoice.pay_minor, 10),
        ("To the platform, in fees", invoice.fees_minor, 10),
        ("Total", invoice.total_minor, 13),
    ):
        pdf.set_font(FAMILY, size=size)
        pdf.cell(w=pdf.epw * 0.7, h=7, text=words, align="R")
        amount = covered(money_in_words(Money(minor, invoice.currency), locale))
        pdf.cell(w=pdf.epw * 0.3, h=7, text=amount, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(8)
    _say(pdf, "Paid in full from the client's funds when each answer was accepted. The month is one in UTC.", size=9)


def _say(pdf: FPDF, words: str, *, size: int, colour: tuple[int, int, int] = INK) -> None:
    pdf.set_font(FAMILY, size=size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(w=pdf.epw, h=size * 0.53, text=covered(words), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def covered(text: str) -> str:
    """``text`` as it is drawn from left to right, with a box for each character that the font lacks."""
    return "".join(_drawn(letter) for letter in as_drawn(text) if letter not in _UNSEEN)


def _drawn(letter: str) -> str:
    known = _covered_by_the_font()
    plain = unicodedata.normalize("NFKC", letter)  # a joined form that the font lacks is drawn as the letter alone
    return next((each for each in (letter, plain) if len(each) == 1 and ord(each) in known), BOX)


_UNSEEN: Final = "\u200e\u200f\u061c\u200c\u200d\u00ad"
"""Marks of direction and joiners: they guide spelling, and are nothing to draw."""


@cache
def _covered_by_the_font() -> frozenset[int]:
    with TTFont(FONT, lazy=True) as font:
        return frozenset(font.getBestCmap())
