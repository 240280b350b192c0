"""What a rebuild shows: each stage that ended, each table that is complete and, on a terminal, a live view."""

import time
from collections.abc import Collection, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stages.core.errors import UserError
from stages.core.run import PARAMS
from stages.core.schema import read_yaml
from stages.results.times import show_seconds
from stages.schedule import Schedule


class Progress:
    """Says what runs, is done, remains, and when it will end; in a log as plain lines.

    Attributes:
        seconds: how long each stage took that ended.
    """

    def __init__(self, schedule: Schedule, todo: Collection[str], jobs: int) -> None:
        self._schedule, self._total, self._jobs = schedule, len(todo), jobs
        self._count = 0
        self._running: dict[str, float] = {}  # when each began
        self.seconds: dict[str, float] = {}
        self._console = Console(highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._tables: dict[str, set[str]] = {}
        for name, run in (read_yaml(PARAMS).get("runs") or {}).items():
            for table in run.get("tables") or []:
                self._tables.setdefault(table, set()).update({f"evaluate@{name}"} & set(todo))

    def __enter__(self) -> "Progress":
        self._print(f"{self._total} stages to bring up to date, {self._jobs} at once, {self._left()}")
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def start(self, stage: str) -> None:
        """Note that a stage began."""
        self._running[stage] = time.monotonic()
        self.refresh()

    def finish(self, stage: str, *, ran: bool) -> None:
        """Say that a stage ended, or that it was found up to date; show the tables that it completes."""
        outcome = "unchanged"
        if ran:
            self.seconds[stage] = time.monotonic() - self._running.pop(stage)
            outcome = show_seconds(self.seconds[stage])
        self._say(stage, f"{outcome}; {self._left()}")
        for table, missing in self._tables.items():
            if stage in missing:
                missing.remove(stage)
                if not missing:
                    self._show_table(table)

    def leave_out(self, stages: Sequence[str], count: int) -> None:
        """Say that there was no time for `stages`, nor for what needs them, `count` stages in all."""
        if stages:
            names = ", ".join(sorted(stages))
            self._print(
                f"NO TIME for {count} of {self._total} stages, which are as they were: {names}, and what needs them"
            )

    def seconds_left(self, slowness: float = 1.0) -> dict[str, float]:
        """Return how much each running stage has left of the seconds that it is expected to take.

        Args:
            slowness: how many seconds pass here while one of those expected should.
        """
        now = time.monotonic()
        left = {name: self._schedule.seconds[name] - (now - began) / slowness for name, began in self._running.items()}
        return {name: max(0.0, seconds) for name, seconds in left.items()}

    def fail(self, stage: str, lost: int, log: Sequence[str]) -> None:
        """Say that a stage failed and how many others cannot run without it, with the end of its output."""
        self._running.pop(stage, None)
        self._say(stage, f"FAILED, and with it {lost} stages that need it")
        self._print("\n".join(f"    {line}" for line in log))

    def refresh(self) -> None:
        """Bring the live view up to date."""
        if not self._live.is_started:
            return
        view = Table.grid(padding=(0, 2))
        for stage, began in self._running.items():
            expected = show_seconds(self._schedule.seconds[stage])
            view.add_row(Text(stage), Text(f"{show_seconds(time.monotonic() - began)} of about {expected}"))
        remain = self._total - self._count - len(self._running)
        self._live.update(Group(Text(f"{self._count} done, {remain} remain, {self._left()}"), view), refresh=True)

    def _left(self) -> str:
        return f"about {show_seconds(self._schedule.seconds_left(self._jobs, self.seconds_left()))} left"

    def _say(self, stage: str, outcome: str) -> None:
        self._count += 1
        self._print(f"[{self._count}/{self._total}] {stage}: {outcome}")

    def _print(self, text: str) -> None:
        self._console.print(Text(text))

    def _show_table(self, name: str) -> None:
        from stages.show import print_table  # here, because pandas takes its time

        try:
            print_table(name, self._console)
        except UserError as error:  # the stage `report` will say so too, and stop
            self._print(f"the table {name} cannot be shown: {error}")
