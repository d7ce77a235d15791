"""What pages show in the `locale` of their context: `{% money minor currency %}`, `{% day instant %}`."""

from datetime import datetime
from typing import Any

from django import template

from kernel.money import Money
from kernel.money_in_words import day_in_words, money_in_words

register = template.Library()


@register.simple_tag(takes_context=True)
def money(context: dict[str, Any], minor: int, currency: str) -> str:
    """An amount in minor units as the reader writes it."""
    return money_in_words(Money(minor, currency), context["locale"])


@register.simple_tag(takes_context=True)
def day(context: dict[str, Any], instant: datetime) -> str:
    """The day of an instant, in UTC, as the reader writes it."""
    return day_in_words(instant, context["locale"])
