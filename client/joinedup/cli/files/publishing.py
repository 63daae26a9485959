"""Publishing a file from where it was left to its end, in batches, several at once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeAlias

from joinedup.cli.files.answered import Answered, Fits, Teller
from joinedup.cli.files.bar import Bar
from joinedup.cli.files.entry import Entry
from joinedup.cli.files.resume import Counts, Reached, ResumeFile
from joinedup.cli.files.sending import Sender
from joinedup.cli.files.source_file import SourceFile
from joinedup.cli.home import Problem
from joinedup.client import Receipt, Refused, Unavailable

# However few entries that are: what is under way is held in memory.
_BATCH_BYTES: Final = 2 * 1024 * 1024

_UnderWay: TypeAlias = deque[asyncio.Task[list[Answered]]]


@dataclass(frozen=True, slots=True)
class Ways:
    """How files are published: entries in a batch, and batches under way at once."""

    sender: Sender
    teller: Teller
    bar: Bar
    batch: int
    parallel: int


class FileRun:
    """One file on its way; `reached` is where an earlier run left it."""

    def __init__(
        self, source: SourceFile, ways: Ways, resume: ResumeFile | None, reached: Reached
    ) -> None:
        self.reached = reached
        self.stopped = ""
        """Where the platform stopped answering; empty while it does."""
        self._source = source
        self._ways = ways
        self._resume = resume
        self._report = source.report(reached.report_bytes)

    @property
    def left_at(self) -> str:
        """Behind which line everything is still to be answered."""
        return f"{self._source.name} behind line {self.reached.mark.number}"

    @property
    def report_path(self) -> str:
        """The file that what was refused is in; empty when there is none."""
        return str(self._report.path) if self._report and self._report.bytes else ""

    async def go(self) -> None:
        """Publish until the end, or until the platform is away; raises what sending raises."""
        under_way: _UnderWay = deque()
        try:
            for batch in self._batches(self._source.entries(self.reached.mark)):
                if len(under_way) == self._ways.parallel:
                    await self._settle(under_way, more=True)
                if self.stopped:
                    return
                under_way.append(asyncio.create_task(self._ways.sender.send(batch)))
            while under_way and not self.stopped:
                await self._settle(under_way, more=len(under_way) > 1)
            self.reached.done = not self.stopped
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
            if self._report is not None:
                self._report.close()

    async def _settle(self, under_way: _UnderWay, *, more: bool) -> None:
        """Wait for the oldest batch, and record that everything through it is answered."""
        answers = await under_way[0]
        under_way.popleft()
        for each in answers:
            self._ways.teller.tell(each)
        away = next((each for each in answers if isinstance(each.outcome, Unavailable)), None)
        if away is not None:
            self.stopped = away.entry.place
            return
        before = self.reached
        self.reached = self._recorded(answers)
        self._ways.bar.advance(
            self.reached.mark.offset - before.mark.offset,
            events=len(answers),
            refused=self.reached.counts.refused - before.counts.refused,
        )
        if more:
            self.save()

    def _recorded(self, answers: Sequence[Answered]) -> Reached:
        counts = Counts()
        counts.add(self.reached.counts)
        for each in answers:
            outcome = each.outcome
            if isinstance(outcome, Receipt | Fits):
                counts.accepted += 1
                counts.known += isinstance(outcome, Receipt) and outcome.duplicate
            elif not isinstance(outcome, Unavailable):
                counts.refused += 1
                self._refused(each.entry, outcome)
        written = 0
        if self._report is not None:
            self._report.flush()
            written = self._report.bytes
        return Reached(answers[-1].entry.end, counts, written)

    def _refused(self, entry: Entry, refusal: Refused | Problem) -> None:
        # A file of one event is mended where it is.
        if self._report is None or entry.place == self._source.name:
            return
        if isinstance(refusal, Refused) and entry.fault is None:
            refusal = self._source.explained(entry, refusal)
        self._report.add(entry, refusal)

    def save(self) -> None:
        """Keep how far it came, for a later run."""
        if self._resume is not None:
            self._resume.save(self.reached)

    def forget(self) -> None:
        """All is done: keep nothing."""
        if self._resume is not None:
            self._resume.remove()

    def _batches(self, entries: Iterable[Entry]) -> Iterator[list[Entry]]:
        batch: list[Entry] = []
        size = 0
        for entry in entries:
            batch.append(entry)
            size += len(entry.raw) + len(entry.body)
            if len(batch) == self._ways.batch or size > _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch


async def publish_files(
    sources: Sequence[SourceFile], ways: Ways, resumes: Sequence[ResumeFile | None] = ()
) -> bool:
    """Publish files one after the other; whether all of it was accepted.

    Each goes on where its record, if it has one, says that an earlier run left it. Raises Refused
    when the caller is not accepted at all, and Problem when what is kept beside a file cannot be
    written.
    """
    began = time.monotonic()
    runs: list[FileRun] = []
    try:
        for source, resume in zip_longest(sources, resumes):
            reached = source.reached(resume)
            ways.bar.skip(reached.mark.offset)
            runs.append(FileRun(source, ways, resume, reached))
            if not reached.done:
                await runs[-1].go()
            if runs[-1].stopped:
                break
            if len(sources) > 1:
                runs[-1].save()
        else:
            for each in runs:
                each.forget()
    except OSError as wrong:
        detail = f"{wrong.filename or 'a file'}: {type(wrong).__name__}"
        fix = "is the disk full? what is kept beside a file is written to its folder"
        raise Problem("file_failed", detail, fix) from None
    finally:
        await ways.sender.close()
        counts = _tell_all(runs, ways.teller, time.monotonic() - began)
    return not counts.refused and all(each.reached.done for each in runs)


def _tell_all(runs: Sequence[FileRun], teller: Teller, seconds: float) -> Counts:
    counts = Counts()
    for each in runs:
        counts.add(each.reached.counts)
    ended = next((each.stopped or each.left_at for each in runs if not each.reached.done), "")
    teller.sum_up(counts, seconds, [each.report_path for each in runs if each.report_path], ended)
    return counts
