"""How far a file has been published, kept beside it while that is not all of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from joinedup.cli.files.entry import Mark

SUFFIX: Final = ".resume"
_HEAD_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class Counts:
    """How many events of a file were answered, and how."""

    accepted: int = 0
    known: int = 0
    """Of those accepted, how many the platform had already."""
    refused: int = 0

    @property
    def events(self) -> int:
        """All that were answered for good."""
        return self.accepted + self.refused

    def add(self, other: Counts) -> None:
        """Count what another file had."""
        self.accepted += other.accepted
        self.known += other.known
        self.refused += other.refused


@dataclass(slots=True)
class Reached:
    """Everything before the mark is answered for good, and the refused of it are reported."""

    mark: Mark = field(default_factory=Mark)
    counts: Counts = field(default_factory=Counts)
    report_bytes: int = 0
    done: bool = False


class ResumeFile:
    """The record of one file; `about` is what must be the same for it to count."""

    def __init__(self, path: Path, about: tuple[str, ...]) -> None:
        self.path = path.with_name(path.name + SUFFIX)
        self._identity = _identity(path, about)

    def load(self) -> Reached | None:
        """How far it came; None when nothing is known, or the file is another one now."""
        try:
            found = json.loads(self.path.read_bytes())
            if found["identity"] != self._identity:
                return None
            return Reached(
                mark=Mark(found["mark"]["offset"], found["mark"]["number"]),
                counts=Counts(**found["counts"]),
                report_bytes=found["report_bytes"],
                done=found["done"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, reached: Reached) -> None:
        """Replace the record as a whole; raises OSError."""
        draft = self.path.with_name(self.path.name + ".new")
        draft.write_text(json.dumps({"identity": self._identity, **asdict(reached)}))
        draft.replace(self.path)

    def remove(self) -> None:
        """Forget how far the file came."""
        self.path.unlink(missing_ok=True)


def _identity(path: Path, about: tuple[str, ...]) -> str:
    """A digest of the file's size, time and beginning, and of what else matters."""
    status = path.stat()
    told = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode())
    with path.open("rb") as stream:
        told.update(stream.read(_HEAD_BYTES))
    for each in about:
        told.update(b"\0" + each.encode())
    return told.hexdigest()
