"""What a device must not forget: which prompts it has, which it has confirmed, and its place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final, Self

_KEEP: Final = 5_000


class DeviceMemory:
    """An append-only file of JSON lines, on disk before a method returns.

    A line that was cut by a crash is dropped at the next start, as if it had not been written.
    `path` None keeps everything in this process only.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: dict[str, None] = {}
        self._unconfirmed: dict[str, None] = {}
        self.cursor = ""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._load(path)
            self._compact(path)
        self._file = None if path is None else path.open("a", encoding="utf-8")

    def seen(self, prompt_id: str) -> bool:
        """Whether the device has this prompt already."""
        return prompt_id in self._seen

    def remember(self, prompt_id: str, cursor: str) -> None:
        """The device has this prompt; only after this may it confirm or show it."""
        self._note_seen(prompt_id)
        self.cursor = cursor or self.cursor
        self._write({"seen": prompt_id, "cursor": self.cursor})

    def withdraw(self, prompt_id: str, cursor: str) -> None:
        """The prompt was taken back: there is nothing to show or to confirm of it any more."""
        self._note_seen(prompt_id)
        self.cursor = cursor or self.cursor
        self._write({"seen": prompt_id, "cursor": self.cursor})
        self.confirm(prompt_id)

    def confirm(self, prompt_id: str) -> None:
        """The platform knows that the device has this prompt."""
        self._unconfirmed.pop(prompt_id, None)
        self._write({"confirmed": prompt_id})

    def unconfirmed(self) -> tuple[str, ...]:
        """Prompts whose confirmation may not have arrived."""
        return tuple(self._unconfirmed)

    def lose_place(self) -> None:
        """Start from everything unopened: the platform does not accept the cursor any more."""
        self.cursor = ""
        self._write({"cursor": ""})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note_seen(self, prompt_id: str) -> None:
        if prompt_id not in self._seen:
            self._seen[prompt_id] = self._unconfirmed[prompt_id] = None

    def _write(self, line: dict[str, str]) -> None:
        if self._file is None:
            return
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _load(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        for text in lines:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if "seen" in line:
                self._note_seen(line["seen"])
            if "confirmed" in line:
                self._unconfirmed.pop(line["confirmed"], None)
            if "cursor" in line:
                self.cursor = line["cursor"]

    def _compact(self, path: Path) -> None:
        """Write anew what is still needed; also ends a last line that was cut."""
        kept = list(self._seen)[-_KEEP:]
        self._seen = dict.fromkeys(kept)
        self._unconfirmed = {each: None for each in kept if each in self._unconfirmed}
        lines: list[dict[str, str]] = [{"seen": each} for each in kept]
        lines += [{"confirmed": each} for each in kept if each not in self._unconfirmed]
        lines.append({"cursor": self.cursor})
        fresh = path.with_suffix(path.suffix + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
