"""Which stage runs next: what a quick table needs, then the longest way to the end."""

import time
from collections.abc import Collection, Iterable, Mapping

Names = Collection[str]
FIRST_SHARE = 0.05  # of all work: what the tables that come first may take
LONG_SECONDS = 8.0  # a stage that takes longer leaves no core to others


class Schedule:
    """The stages of `todo`, each after those of its `upstream` (all it needs) that are to be run too.

    The tables (the stages that write the numbers of each) that are complete soonest come first, as long as all they
    need is a small share of the work, so that what runs last is short all the same.
    """

    def __init__(
        self, upstream: Mapping[str, Names], todo: Names, seconds: Mapping[str, float], tables: Iterable[Names] = ()
    ) -> None:
        self.seconds = {name: seconds[name] for name in todo}
        self.waiting, self.running = set(todo), dict[str, float]()  # since when
        self._needs = {name: set(upstream[name]).intersection(todo) for name in todo}
        self._to_end: dict[str, float] = {}
        for name in sorted(todo, key=lambda name: -len(self._needs[name])):  # after all that need it
            after = [self._to_end[other] for other in self._to_end if name in self._needs[other]]
            self._to_end[name] = self.seconds[name] + max(after, default=0.0)
        self._first: dict[str, int] = {}
        closed = [set(table).union(*(upstream[name] for name in table)).intersection(todo) for table in tables]
        for names in sorted(closed, key=self._sum):
            if self._sum(names | self._first.keys()) <= FIRST_SHARE * self._sum(todo):
                self._first |= dict.fromkeys(names - self._first.keys(), len(self._first))

    def next(self) -> str | None:
        """Begin the stage whose turn it is; None if none is ready."""
        ready = [name for name in self.waiting if not self._needs[name]]
        order = {name: (self._first.get(name, len(self._first)), -self._to_end[name], name) for name in ready}
        if name := min(ready, key=order.get, default=None):
            self.waiting.remove(name)
            self.running[name] = time.monotonic()
        return name

    def finish(self, name: str) -> float:
        """Mark a stage as done, so that what waits only for it is ready; return how many seconds it took."""
        for needs in self._needs.values():
            needs.discard(name)
        return time.monotonic() - self.running.pop(name)

    def fail(self, name: str) -> list[str]:
        """Give up a stage and all that need it; return these."""
        del self.running[name]
        lost = sorted(other for other in self.waiting if name in self._needs[other])
        self.waiting.difference_update(lost)
        return lost

    def num_long(self) -> int:
        """Return how many long stages run or wait."""
        return sum(self.seconds[name] > LONG_SECONDS for name in self.waiting | self.running.keys())

    def seconds_left(self, jobs: int) -> float:
        """Return when all will have ended, at the earliest."""
        now = time.monotonic()
        running = {name: max(0.0, self.seconds[name] - (now - began)) for name, began in self.running.items()}
        chains = [left + self._to_end[name] - self.seconds[name] for name, left in running.items()]
        chains += [self._to_end[name] for name in self.waiting]
        return max([(self._sum(self.waiting) + sum(running.values())) / jobs, *chains])

    def _sum(self, names: Names) -> float:
        return sum(self.seconds[name] for name in names)
