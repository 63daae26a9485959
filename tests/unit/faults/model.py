"""A little platform for one person that keeps every invariant, and writes its history.

Each step commits at one moment. Its operation lasts from some time before that moment to some time
after, and what the caller and the history learn of it is left to chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.operation import Kind, Operation, Result
from tests.unit.faults.builders import an_operation

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

STEP_NS = 10
LONGEST_NS = 35  # so that operations of several steps overlap
LEASE_NS = 60
STEPS = (
    "give", "end", "send", "decide", "claim", "open", "show", "die", "leave", "come_back",
    "confirm", "replay",
)  # fmt: skip


@dataclass
class Prompt:
    """A prompt as the ledger has it."""

    prompt_id: str
    epoch: int
    bereavement: bool
    claimed_at: int | None = None
    opened_until: int | None = None  # when its device had the answer
    shown: bool = False


@dataclass
class Platform:
    """Runs steps; one that is not possible at the moment does nothing."""

    chance: Random
    gate: Callable[[int, int, bool], bool] = lambda decided, epoch, given: (
        given and decided == epoch
    )
    known: float = 0.7  # the share of operations of which all is known
    operations: list[Operation] = field(default_factory=list)

    now: int = 1_000
    serial: int = 0
    epoch: int = 0
    given: bool = False
    dead: bool = False
    confirmed: bool = False
    away_since: int | None = None
    undecided: list[str] = field(default_factory=list)
    events: int = 0
    prompts: list[Prompt] = field(default_factory=list)

    def run(self, steps: list[str]) -> list[Operation]:
        """What the steps wrote."""
        for step in steps:
            self.now += STEP_NS
            getattr(self, step)()
        return self.operations

    def give(self) -> None:
        if self.away_since is None and not self.given:
            self.given = True
            self._commit(Kind.GIVE, epoch=self.epoch)

    def end(self) -> None:
        if self.away_since is None and self.given:
            self.given, self.epoch = False, self.epoch + 1
            self._commit(self.chance.choice([Kind.WITHDRAW, Kind.OBJECT]), epoch=self.epoch)

    def send(self) -> None:
        if self.away_since is None:
            self.events += 1
            self.undecided.append(f"event-{self.events}")
            self._commit(Kind.EVENT, event_id=self.undecided[-1])

    def decide(self) -> None:
        if not self.undecided:
            return
        event_id = self.undecided.pop(0)
        bereavement = self.chance.random() < 0.3
        if self.given:
            prompt = Prompt(f"prompt-of-{event_id}", self.epoch, bereavement)
            self.prompts.append(prompt)
            self._seen(Kind.ISSUE, prompt, event_id=event_id)
        else:
            reason = "permission_withdrawn" if self.epoch else "no_permission"
            self._write(Kind.SUPPRESS, Result.OK, event_id=event_id, reason=reason)

    def claim(self) -> None:
        for prompt in self.prompts:
            free = prompt.claimed_at is None or self.now >= prompt.claimed_at + LEASE_NS
            if free and prompt.opened_until is None and self._may_pass(prompt):
                prompt.claimed_at = self.now
                self._commit(Kind.CLAIM, lease_ns=LEASE_NS, **_values(prompt))
                return

    def open(self) -> None:
        for prompt in self.prompts:
            silent = self.dead and not prompt.bereavement
            if prompt.claimed_at is not None and self._may_pass(prompt) and not silent:
                operation = self._commit(Kind.OPEN, **_values(prompt))
                if operation.result is Result.OK:
                    prompt.opened_until = operation.completed_ns
                return

    def show(self) -> None:
        for prompt in self.prompts:
            if prompt.opened_until is not None and not prompt.shown:
                prompt.shown = True
                self.now = max(self.now, prompt.opened_until + LONGEST_NS)
                self._seen(Kind.SHOW, prompt)
                return

    def die(self) -> None:
        if self.away_since is None and not self.dead:
            self.dead = True
            self._commit(Kind.DEATH, event_id="death")

    def confirm(self) -> None:
        if self.away_since is None:
            self.confirmed = True
            self._write(Kind.CONFIRM, Result.OK)

    def leave(self) -> None:
        if self.away_since is None:
            self.away_since = self.now

    def replay(self) -> None:
        while self.undecided:
            self.decide()
        self.now += 2 * LONGEST_NS
        begun = self.now
        for prompt in self.prompts:
            self.now += LONGEST_NS
            self._seen(Kind.ISSUE, prompt)
        self.now += 2 * LONGEST_NS
        replay = an_operation(Kind.REPLAY, begun, self.now, Result.OK)
        self.operations.append(replay)
        self.now += LONGEST_NS

    def come_back(self) -> None:
        if self.away_since is not None:
            self.operations.append(
                an_operation(Kind.AWAY, self.away_since, self.now, Result.OK, part="identity")
            )
            self.away_since = None
            self.confirmed = False

    def _may_pass(self, prompt: Prompt) -> bool:
        reachable = self.away_since is None or self.confirmed
        return reachable and self.gate(prompt.epoch, self.epoch, self.given)

    def _commit(self, kind: Kind, **values: Any) -> Operation:
        """It commits now, with a serial; the caller may not hear of it, nor the history know it."""
        self.serial += 1
        result = Result.OK if self._is_known() else Result.UNKNOWN
        serial = self.serial if self._is_known() else None
        return self._write(kind, result, serial=serial, **values)

    def _seen(self, kind: Kind, prompt: Prompt, **values: Any) -> None:
        self._write(kind, Result.OK, **_values(prompt), **values)

    def _write(self, kind: Kind, result: Result, **values: Any) -> Operation:
        invoked = self.now - self.chance.randrange(LONGEST_NS)
        completed = self.now + self.chance.randrange(LONGEST_NS)
        ended = completed if result is Result.OK or self.chance.random() < 0.5 else None
        operation = an_operation(kind, invoked, ended, result, **values)
        self.operations.append(operation)
        return operation

    def _is_known(self) -> bool:
        return self.chance.random() < self.known


def _values(prompt: Prompt) -> dict[str, Any]:
    return {
        "prompt_id": prompt.prompt_id, "epoch": prompt.epoch, "bereavement": prompt.bereavement,
    }  # fmt: skip
