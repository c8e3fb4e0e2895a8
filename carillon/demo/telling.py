"""How the demo speaks: chapters, tables, progress, and for every claim whether it held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from carillon.demo.api import eventually


@dataclass(slots=True)
class Telling:
    """What was told so far; `claims` are the sentences with whether each of them held."""

    console: Console
    claims: list[tuple[str, bool]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    _chapters: int = 0

    @property
    def held(self) -> bool:
        return all(held for _, held in self.claims)

    def title(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}[/bold]")

    def chapter(self, text: str) -> None:
        self._chapters += 1
        self.console.print(f"\n[bold cyan]{self._chapters}  {text}[/bold cyan]")

    def note(self, text: str) -> None:
        self.console.print(f"   {text}", markup=False)

    def claim(self, sentence: str, held: bool) -> None:
        self.claims.append((sentence, held))
        self.console.print(f"   {'[green]✓[/green]' if held else '[bold red]✗[/bold red]'} {sentence}")

    def count(self, **numbers: int) -> None:
        for name, number in numbers.items():
            self.counts[name] = self.counts.get(name, 0) + number

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for place, heading in enumerate(headings):
            table.add_column(f"   {heading}" if place == 0 else heading, justify="left" if place == 0 else "right")
        for row in rows:
            table.add_row(*(f"   {each}" if place == 0 else str(each) for place, each in enumerate(row)))
        self.console.print(table)

    def until(self, what: str, total: int, done: Callable[[], int], seconds: float = 60) -> bool:
        """Show progress until `done` reaches `total`; whether it did in so many seconds."""
        columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        # Without a terminal there is nothing to draw over, and a bar would leave an empty line.
        shown = self.console.is_terminal
        with Progress(*columns, console=self.console, transient=True, disable=not shown) as progress:
            task = progress.add_task(what, total=total)

            def reached() -> bool:
                number = done()
                progress.update(task, completed=number)
                return number >= total

            return eventually(reached, seconds)

    def document(self) -> dict[str, Any]:
        claims = [{"claim": sentence, "held": held} for sentence, held in self.claims]
        return {"held": self.held, "claims": claims, "counts": self.counts}

    def summary(self) -> None:
        kept = sum(held for _, held in self.claims)
        self.chapter("Summary")
        self.table(list(self.counts), [list(self.counts.values())])
        colour = "green" if self.held else "red"
        self.console.print(f"\n   [bold {colour}]{kept} of {len(self.claims)} claims held.[/bold {colour}]")
        for sentence, held in self.claims:
            if not held:
                self.console.print(f"   [red]✗[/red] {sentence}")
        self.console.print(
            "   Next: `.venv/bin/carillon up --sandbox` keeps all of this running; README.md says the rest.\n"
        )
