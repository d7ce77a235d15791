"""A progress bar for people at a terminal, and now and then a line for whoever reads a log."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

LINE_EVERY_SECONDS: Final = 15.0


class ShownProgress:
    """Shows one bar for each step that ``tell`` is told of."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bars = Progress(*columns, TimeElapsedColumn(), console=console)
        self._now = self._bars.add_task("Starting", total=None)
        self._what = ""
        self._line_at = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` of a step is done."""
        if self._console.is_terminal:
            self._show_bar(what, done, total)
        elif what != self._what or time.monotonic() >= self._line_at:
            self._console.print(f"{what}: {done:,} of {total:,}")
            self._line_at = time.monotonic() + LINE_EVERY_SECONDS
        self._what = what

    def _show_bar(self, what: str, done: int, total: int) -> None:
        if what != self._what:
            if not self._what:
                self._bars.remove_task(self._now)
            self._now = self._bars.add_task(what, total=total)
        self._bars.update(self._now, completed=done, total=total)
