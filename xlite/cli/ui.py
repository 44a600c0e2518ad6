"""What the commands share on the screen: tables, figures, progress. rich is imported when something is drawn."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

T = TypeVar("T")

PATIENCE = 1.0  # seconds after which a progress bar appears
MOST_LAYERS = 4  # of an op that a table names one by one
WIDE = 200  # columns where no terminal says how many there are: tables in a log or a file stay whole


def console(stderr: bool = False) -> Console:
    """A rich console, :func:`screen_width` wide."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=screen_width(stream), highlight=False)


def show(parts: Iterable[Any]) -> None:
    """Prints tables and lines to stdout, one after the other. Lines are text, not markup."""
    screen = console()
    for part in parts:
        screen.print(_safe(part) if isinstance(part, str) else part)


def _safe(text: str) -> Text:
    from rich.text import Text

    return Text("\n".join(printable(line) for line in text.split("\n")))


def screen_width(stream: Any) -> int:
    """Columns of the terminal; :data:`WIDE` where the output goes to a file or a pipe, whatever $COLUMNS says:
    readline sets that to 80 for every process that a Python starts."""
    return shutil.get_terminal_size().columns if stream.isatty() else WIDE


def layers(name: str) -> str:
    """The name of an op in a table. One of many layers, such as a group convolution that was written out, is named
    by the first, the last and how many they are: ``--json`` has them all."""
    names = name.split("+")
    return name if len(names) <= MOST_LAYERS else f"{names[0]}+…+{names[-1]} ({len(names)} layers)"


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    footer: Sequence[Any] = (),
    optional: Sequence[str] = (),
) -> Table:
    """A plain table. A column whose name ends in ``>`` is aligned to the right; cells are text, not markup.

    optional: columns that a narrow terminal does without, the first one first.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    cells = [[cell if isinstance(cell, Text) else _safe(str(cell)) for cell in row] for row in rows]
    foot = [Text(str(cell)) for cell in footer] or [Text()] * len(columns)
    drawn = Table(
        title=_safe(title) if title else None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    drawn.show_footer = bool(footer)
    shown = _columns_that_fit(columns, [foot, *cells], optional)
    for index in shown:
        right = columns[index].endswith(">")
        justify: Literal["left", "right"] = "right" if right else "left"
        drawn.add_column(
            columns[index].rstrip(">"), justify=justify, no_wrap=right, overflow="fold", footer=foot[index]
        )
    for row in cells:
        drawn.add_row(*(row[index] for index in shown))
    return drawn


def _columns_that_fit(
    columns: Sequence[str], rows: Sequence[Sequence[Text]], optional: Sequence[str]
) -> list[int]:
    """Indices of the columns to show: without the optional ones, one after the other, until the rest fits."""
    limit = screen_width(sys.stdout)
    widths = [max(len(name), *(row[i].cell_len for row in rows)) + 3 for i, name in enumerate(columns)]
    shown = list(range(len(columns)))
    for name in optional:
        if sum(widths[i] for i in shown) <= limit:
            break
        shown = [i for i in shown if columns[i] != name]
    return shown


def figures(pairs: Iterable[tuple[str, str]]) -> Table:
    """Names on the left, what they are on the right, without lines."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table.grid(padding=(0, 2))
    for name, value in pairs:
        drawn.add_row(Text(printable(name), style="dim"), _safe(value))
    return drawn


def print_json(found: Any) -> None:
    """One JSON object on stdout. Infinities and NaN, which JSON does not have, become text."""
    print(json.dumps(_finite(found), indent=2))


def _finite(found: Any) -> Any:
    if isinstance(found, float) and not math.isfinite(found):
        return str(found)
    if isinstance(found, dict):
        return {key: _finite(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [_finite(value) for value in found]
    return found


def heading(text: str) -> Text:
    from rich.text import Text

    return Text(printable(text), style="bold")


def printable(text: str) -> str:
    """``text`` with escapes for what could disturb a terminal: names come from files."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def count(number: int) -> str:
    """``18432`` -> ``18,432``."""
    return f"{number:,}"


def size(number: int) -> str:
    """Bytes, exact and for a reader: ``57,016 (55.7 KiB)``."""
    from xlite.interpreter.memory import format_size

    return f"{number:,} B" if number < 1024 else f"{number:,} B ({format_size(number)})"


def ratio(before: int, after: int) -> str:
    """``12.3x``; a dash where there is nothing to divide."""
    return f"{before / after:.1f}x" if after else "-"


def milliseconds(value: float) -> str:
    """Three digits that count, from microseconds to minutes."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def target_line(target: dict[str, Any]) -> str:
    """Whether it fits: ``fits pi-zero: 57,016 B of 320.0 MiB``."""
    ram = target["ram_bytes"]
    limit = "no limit" if ram is None else f"{size(ram)} of RAM"
    verdict = "fits" if target["fits"] else "does not fit"
    text = f"{verdict} {target['name']}: needs {size(target['needed_bytes'])}, there is {limit}"
    if target["flash_bytes"] is None:
        return text
    return f"{text}; {size(target['flash_needed_bytes'])} for weights of {size(target['flash_bytes'])} of flash"


def bar(value: float, largest: float, width: int = 30) -> str:
    """A bar of text, ``width`` cells for ``largest``; something that is there is never drawn as nothing."""
    if largest <= 0 or value <= 0:
        return ""
    eighths = max(1, round(8 * width * value / largest))
    full, rest = divmod(eighths, 8)
    return "█" * full + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[rest]


def track(items: Sequence[T], what: str) -> Iterator[T]:
    """Goes through ``items``; on a terminal a progress bar appears on stderr once that takes over a second."""
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        progress: Any = None
        task: Any = None
        for done, item in enumerate(items):
            if progress is None and sys.stderr.isatty() and time.monotonic() - start > PATIENCE:
                progress = stack.enter_context(_progress())
                task = progress.add_task(what, total=len(items))
            if progress is not None:
                progress.update(task, completed=done)
            yield item


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Around something of unknown length that talks to stderr by itself (importing TensorFlow): shows ``what`` on
    a terminal, and what was written meanwhile only if it fails."""
    with tempfile.TemporaryFile() as said, os.fdopen(os.dup(2), "w") as screen:
        os.dup2(said.fileno(), 2)
        try:
            with _status(screen, what):
                yield
        except BaseException:
            said.seek(0)
            screen.write(said.read().decode(errors="replace"))
            raise
        finally:
            screen.flush()
            os.dup2(screen.fileno(), 2)


def _status(screen: Any, what: str) -> contextlib.AbstractContextManager[Any]:
    from rich.console import Console

    return Console(file=screen).status(what) if screen.isatty() else contextlib.nullcontext()


def _progress() -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console(stderr=True), transient=True)
