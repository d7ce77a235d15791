"""A plain table of the report: names to the left, numbers to the right."""

from typing import Final

from rich import box
from rich.table import Table

WORDS: Final = {"picked", "who", "by", "rule"}
"""Columns that hold words."""


def titled(title: str, caption: str, columns: tuple[str, ...]) -> Table:
    """An empty table with these columns, the first of words."""
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD)
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place == 0 or name in WORDS else "right")
    return table
