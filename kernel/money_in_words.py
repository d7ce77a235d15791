"""Money and days as people read them, in the locale that they ask for. What is reckoned stays whole minor units."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency
from django.utils.translation.trans_real import parse_accept_lang_header

from kernel.money import MINOR_UNIT_DIGITS, Money
from kernel.months import Month

DEFAULT_LOCALE: Final = Locale("en", "US")
LONGEST_HEADER: Final = 500

_EXACT: Final = Context(prec=40)


def money_in_words(money: Money, locale: Locale) -> str:
    """An amount with its currency, as ``locale`` writes it: ``$1,234.50``, ``1.234,50 €``, ``￥1,235``. Exact."""
    exact = Decimal(money.minor).scaleb(-MINOR_UNIT_DIGITS[money.currency], context=_EXACT)
    return str(format_currency(exact, money.currency, locale=locale))


def day_in_words(day: date, locale: Locale) -> str:
    """A day, or the day of an instant in UTC, as ``locale`` writes it."""
    return str(format_date(day, format="medium", locale=locale))


def month_in_words(month: Month, locale: Locale) -> str:
    """A month with its year, as ``locale`` writes it."""
    return str(format_skeleton("yMMMM", month.begins_at, locale=locale))


def locale_of(accept_language: str, *, spoken: Iterable[str] = ()) -> Locale:
    """The first known locale that the header wishes for, else of the languages that are ``spoken``, else en-US."""
    for code in (*_wished(accept_language[:LONGEST_HEADER]), *spoken):
        if (known := _known(code)) is not None:
            return known
    return DEFAULT_LOCALE


def _wished(header: str) -> Iterator[str]:
    return (code for code, quality in parse_accept_lang_header(header.lower()) if quality > 0 and code != "*")


@lru_cache(maxsize=256)
def _known(code: str) -> Locale | None:
    """The locale of a code such as ``pt-BR``; of its language, where nobody has written that country down."""
    for written in (code, code.partition("-")[0]):
        try:
            return Locale.parse(written, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return None
