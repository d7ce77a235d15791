"""Tables in Markdown, for pages that are made out of the code."""

from collections.abc import Callable, Iterator, Sequence

Rows = Callable[[], Iterator[Sequence[str]]]


def table(*columns: str) -> Callable[[Rows], Callable[[], list[str]]]:
    """Let a function that gives rows give the lines of a Markdown table with these columns."""

    def decorate(rows: Rows) -> Callable[[], list[str]]:
        def lines() -> list[str]:
            written = [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in [columns, *rows()]]
            return [written[0], "|---" * len(columns) + "|", *written[1:]]

        return lines

    return decorate
