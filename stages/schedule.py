"""Which stages may run next: dependency order, the longest way to the end first, short stages together."""

from collections.abc import Collection, Mapping

# A DVC process takes about a second to start: stages shorter than this share one.
SHORT_SECONDS = 8.0
BATCH_SECONDS = 24.0


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
        ready short stages with it, but leaves the other processes their share.
        """
        ready = sorted(
            (name for name, needs in self._waiting.items() if not needs),
            key=lambda name: self.seconds[name] if shortest_first else -self._to_end[name],
        )
        batch = ready[:1]
        if batch and self.seconds[batch[0]] < SHORT_SECONDS:
            short = [name for name in ready if self.seconds[name] < SHORT_SECONDS]
            share = min(BATCH_SECONDS, sum(self.seconds[name] for name in short) / jobs)
            for name in short[1:]:
                if sum(self.seconds[one] for one in batch) + self.seconds[name] > share:
                    break
                batch.append(name)
        for name in batch:
            del self._waiting[name]
        return batch

    def num_long(self) -> int:
        """Return how many stages that are not short still wait."""
        return sum(self.seconds[name] >= SHORT_SECONDS for name in self._waiting)

    def seconds_left(self, jobs: int, running: Mapping[str, float]) -> float:
        """Return when all will have ended, at the earliest; `running` tells what stages taken have left."""
        chains = [*(self._to_end[name] for name in self._waiting), *running.values()]
        chains += [left + self._to_end[name] - self.seconds[name] for name, left in running.items()]
        work = sum(self.seconds[name] for name in self._waiting) + sum(running.values())
        return max(work / jobs, max(chains, default=0.0))

    def leave_out_longest(self, seconds: float, jobs: int, running: Mapping[str, float]) -> dict[str, int]:
        """Give up the longest waiting stages until the others can end in `seconds`, if those `running` do.

        Returns:
            How many stages are given up with each, because they need it.
        """
        left_out: dict[str, int] = {}
        while self._waiting:
            longest = max(self._waiting, key=lambda name: self.seconds[name])
            work = sum(self.seconds[name] for name in self._waiting) + sum(running.values())
            if self.seconds[longest] <= seconds and work / jobs <= seconds:
                break
            del self._waiting[longest]
            left_out[longest] = self.fail(longest)
        return left_out

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
