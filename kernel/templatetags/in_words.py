"""What pages show in the `locale` of their context, by `money minor currency`, `day instant` and `month it`."""

from datetime import date
from typing import Any

from django import template

from kernel.money import Money
from kernel.money_in_words import day_in_words, money_in_words, month_in_words
from kernel.months import Month, read_month

register = template.Library()


@register.simple_tag(takes_context=True)
def money(context: dict[str, Any], minor: int, currency: str) -> str:
    """An amount in minor units as the reader writes it."""
    return money_in_words(Money(minor, currency), context["locale"])


@register.simple_tag(takes_context=True)
def day(context: dict[str, Any], instant: date) -> str:
    """A day, or the day of an instant in UTC, as the reader writes it."""
    return day_in_words(instant, context["locale"])


@register.simple_tag(takes_context=True)
def month(context: dict[str, Any], one: Month | str) -> str:
    """A month, or one that is written as 2026-11, as the reader writes it."""
    return month_in_words(read_month(one) if isinstance(one, str) else one, context["locale"])
