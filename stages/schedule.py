"""Which stages may run next: dependency order, the longest way to the end first, short stages together."""

from collections.abc import Collection, Mapping

# A DVC process takes about a second to start: stages shorter than this share one.
SHORT_SECONDS = 8.0
BATCH_SECONDS = 24.0
HOPE = 1.2  # how much more may be admitted than there is time for, because expectations are rough


class Schedule:
    """The stages still to be run.

    Args:
        upstream: of each stage, the stages it reads from; those not in `todo` count as done.
        todo: the stages to run.
        seconds: how long each stage is expected to take.
    """

    def __init__(
        self, upstream: Mapping[str, Collection[str]], todo: Collection[str], seconds: Mapping[str, float]
    ) -> None:
        self.seconds = seconds
        self._waiting = {name: set(upstream[name]).intersection(todo) for name in todo}
        self._downstream: dict[str, list[str]] = {name: [] for name in todo}
        for name, needs in self._waiting.items():
            for need in needs:
                self._downstream[need].append(name)
        self._admitted: set[str] | None = None  # all
        self._promised: set[str] = set()  # what rounds off stages that were taken
        self._to_end: dict[str, float] = {}
        for name in todo:
            self._seconds_to_end(name)

    def _seconds_to_end(self, name: str) -> float:
        if name not in self._to_end:
            after = max((self._seconds_to_end(follower) for follower in self._downstream[name]), default=0.0)
            self._to_end[name] = self.seconds[name] + after
        return self._to_end[name]

    def next_batch(self, jobs: int, shortest_first: bool = False) -> list[str]:
        """Take the stages that one process of `jobs` should run next; empty if none is ready.

        The stage with the longest way to the end comes first, unless the shortest shall. A short stage takes other
        ready short stages with it, but leaves the other processes their share. Where not everything is admitted, what
        rounds off a stage that was taken comes before all: a run that is trained and not evaluated is of no use.
        """

        def order(name: str) -> tuple[bool, float]:
            begins = self._admitted is not None and name not in self._promised
            return begins, self.seconds[name] if shortest_first else -self._to_end[name]

        ready = (name for name, needs in self._waiting.items() if not needs and self._is_admitted(name))
        ready = sorted(ready, key=order)
        batch = ready[:1]
        if batch and self.seconds[batch[0]] < SHORT_SECONDS:
            short = [name for name in ready if self.seconds[name] < SHORT_SECONDS]
            share = min(BATCH_SECONDS, self._sum(short) / jobs)
            for name in short[1:]:
                if self._sum(batch) + self.seconds[name] > share:
                    break
                batch.append(name)
        for name in batch:
            self._promised.update(self._rounding_off(name))
            del self._waiting[name]
        return batch

    def num_long(self) -> int:
        """Return how many stages that are not short still wait."""
        return sum(self.seconds[name] >= SHORT_SECONDS for name in self._waiting if self._is_admitted(name))

    def seconds_left(self, jobs: int, running: Mapping[str, float]) -> float:
        """Return when all will have ended, at the earliest; `running` tells what stages taken have left."""
        waiting = [name for name in self._waiting if self._is_admitted(name)]
        chains = [*(self._to_end[name] for name in waiting), *running.values()]
        chains += [left + self._to_end[name] - self.seconds[name] for name, left in running.items()]
        work = self._sum(waiting) + sum(running.values())
        return max(work / jobs, max(chains, default=0.0))

    def admit(self, seconds: float, jobs: int, running: Mapping[str, float]) -> None:
        """Let only those stages be taken that can end in `seconds` beside those `running`: the shortest ones first.

        A stage is admitted with those that round it off, and counts as long as the longest that it still waits for.
        What is not admitted now may be later. A little too much is admitted in all: towards the end this becomes less.
        """
        self._admitted = self._promised & self._waiting.keys()
        lengths: dict[str, float] = {}
        together: dict[str, list[str]] = {}
        for name in sorted(self._waiting, key=lambda name: -self._to_end[name]):  # after all that it needs
            if name not in self._admitted and name not in lengths:
                together[name] = [name, *self._rounding_off(name)]
                needed = [lengths[need] for need in self._waiting[name] if need in lengths]
                lengths |= dict.fromkeys(together[name], max([self._sum(together[name]), *needed]))
        left = HOPE * seconds * jobs - sum(running.values()) - self._sum(self._admitted)
        for name in sorted(together, key=lambda name: (lengths[name], -self._to_end[name])):
            left -= self._sum(together[name])
            if left < 0 or lengths[name] > seconds:
                break
            self._admitted.update(together[name])

    def _rounding_off(self, name: str) -> list[str]:
        """Return the stages, none longer, that wait for this one and for each other alone: a run's evaluation."""
        names = [name]
        for follower in sorted(self._downstream[name], key=lambda name: -self._to_end[name]):
            waits = follower in self._waiting and self._waiting[follower] <= set(names)
            if waits and self.seconds[follower] <= self.seconds[name]:
                names.append(follower)
        return names[1:]

    def _is_admitted(self, name: str) -> bool:
        return self._admitted is None or name in self._admitted

    def _sum(self, names: Collection[str]) -> float:
        return sum(self.seconds[name] for name in names)

    def left_out(self) -> tuple[list[str], set[str]]:
        """Return the stages that wait though they are ready, and all that wait."""
        return [name for name, needs in self._waiting.items() if not needs], set(self._waiting)

    def finish(self, name: str) -> None:
        """Mark a stage as done: what waits only for it becomes ready."""
        for follower in self._downstream[name]:
            if follower in self._waiting:
                self._waiting[follower].discard(name)

    def put_back(self, names: Collection[str]) -> None:
        """Make stages of a batch that were not begun wait again; they are ready."""
        self._waiting.update((name, set()) for name in names)

    def fail(self, name: str) -> int:
        """Give up a stage and all that need it; return how many these are."""
        lost = 0
        todo = list(self._downstream[name])
        while todo:
            follower = todo.pop()
            if self._waiting.pop(follower, None) is not None:
                lost += 1
                todo += self._downstream[follower]
        return lost
