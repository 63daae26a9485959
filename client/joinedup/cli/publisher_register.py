"""The register of publishers as files that people edit too: comments and order stay as they are."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor

from joinedup.cli.home import ROOT, Problem

if TYPE_CHECKING:
    from services.events.adapters.catalogue_files import CatalogueFiles
    from services.events.domain.publisher import Publisher

EVERY_TYPE: Final = "*"
EXAMPLES: Final = ROOT / "protos" / "examples"

_NEW: Final = Template("""\
# Made by `joinedup publishers new $id`. Field by field: catalogue/schema/publisher.schema.json.
id: $id
# What people read; the Welsh name too.
name: {en: $en, cy: $cy}
${sandbox}# The systems it speaks for.
sources: [$source]
$types_comment
types: [$types]
# Public keys; `joinedup publishers rotate $id` adds one, and an end to the one before.
keys:
  - {kid: $id-1, file: $id.public.pem}
""")
_SANDBOX: Final = """\
# Its events pass the same checks as any, stay in the sandbox, and reach nobody. To go live, make an
# entry of its own (another id, --live): what was published under this one stays a duplicate.
sandbox: true
"""
_SANDBOX_TYPES: Final = '# Every type ("*"), or those it wants to try.'
_LIVE_TYPES: Final = "# Each of these names this publisher too, in its file below catalogue/events."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A publisher to be; the type "*" is every type."""

    id: str
    en: str
    cy: str
    source: str
    types: Sequence[str]
    live: bool


@dataclass(frozen=True, slots=True)
class Register:
    """The register of publishers of one catalogue."""

    catalogue: Path

    def path(self, publisher: str) -> Path:
        """The file of an entry, there or not."""
        return self.catalogue / "publishers" / f"{publisher}.yaml"

    def ids(self) -> list[str]:
        """Every publisher that has a file."""
        return sorted(path.stem for path in self.path("*").parent.glob("*.yaml"))

    def entry(self, publisher: str) -> Publisher:
        """One entry, checked by itself; raises Problem."""
        path = self.path(publisher)
        if not path.is_file():
            known = ", ".join(self.ids()) or "nobody"
            raise Problem(
                "publisher_unknown",
                f"{publisher!r} is not in the register {path.parent}",
                f"it has: {known}; `joinedup publishers new {publisher}` adds one",
            )
        return self._read(path)

    def whole(self) -> CatalogueFiles:
        """The catalogue as the events service reads it; raises Problem with every fault."""
        from services.events.adapters.catalogue_files import CatalogueFiles
        from services.kit.catalogue import CatalogueInvalid

        try:
            return CatalogueFiles(self.catalogue, EXAMPLES, fictitious=True)
        except CatalogueInvalid as invalid:
            raise _invalid(str(invalid)) from None
        except OSError as missing:
            raise Problem(
                "catalogue_missing",
                f"{self.catalogue} is no catalogue: {missing.strerror} ({missing.filename})",
                "name one with --catalogue, or run this from the repository",
            ) from None

    def refuse_known(self, publisher: str) -> None:
        """Raise Problem when there is an entry of that id."""
        path = self.path(publisher)
        if path.exists():
            raise Problem(
                "publisher_exists",
                f"{publisher!r} is in the register already: {path}",
                f"`joinedup publishers show {publisher}` tells of it; or take another id",
            )

    def add(self, publisher: str, text: str) -> None:
        """Write a new entry; raises Problem when there is one, or the text is none."""
        path = self.path(publisher)
        with _locked(path.parent):
            self.refuse_known(publisher)
            self._put(path, text)

    def change(self, publisher: str, edit: Callable[[Any], None]) -> None:
        """Edit an entry in place; raises Problem, and then leaves it as it was."""
        self.entry(publisher)
        path = self.path(publisher)
        with _locked(path.parent):
            document = _yaml().load(path.read_text(encoding="utf-8"))
            edit(document)
            edited = StringIO()
            _yaml().dump(document, edited)
            self._put(path, edited.getvalue())

    def _put(self, path: Path, text: str) -> None:
        # No name that the service reads: it sees the whole file or none of it.
        draft = path.with_name(f"{path.name}.new")
        draft.write_text(text, encoding="utf-8")
        try:
            self._read(draft, shown=path)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def _read(self, path: Path, shown: Path | None = None) -> Publisher:
        """The entry in a file; faults are told as those of `shown`, where it is to stand."""
        from services.events.domain.publisher import contradictions, read_publisher
        from services.kit.catalogue import CatalogueInvalid, load_file

        schema = self.catalogue / "schema" / "publisher.schema.json"
        try:
            document = load_file(path, json.loads(schema.read_bytes()))
        except CatalogueInvalid as invalid:
            raise _invalid(str(invalid).replace(str(path), str(shown or path))) from None
        wrong = [
            f"{shown or path}:{line}:{column}: {code}: {pointer} {text}"
            for pointer, code, text in contradictions(document.data)
            for line, column in [document.position(pointer)]
        ]
        if wrong:
            raise _invalid("\n".join(wrong))
        return read_publisher(document.data)


def new_entry(wanted: Wanted) -> str:
    """The text of a new entry, with comments for whoever opens it next."""
    return _NEW.substitute(
        id=wanted.id,
        en=_quoted(wanted.en),
        cy=_quoted(wanted.cy),
        sandbox="" if wanted.live else _SANDBOX,
        source=_quoted(wanted.source),
        types_comment=_LIVE_TYPES if wanted.live else _SANDBOX_TYPES,
        types=", ".join(map(_quoted, wanted.types)),
    )


def _quoted(text: str) -> str:
    # Every JSON string is one of YAML too, whatever stands in it.
    return json.dumps(text, ensure_ascii=False)


class _Constructor(RoundTripConstructor):
    """Leaves a moment the text it was written as."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_scalar)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Constructor = _Constructor
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _invalid(text: str) -> Problem:
    return Problem("catalogue_invalid", text, "mend the file at the line that is named")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One command at a time, so that none undoes what another has just written."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        raise Problem(
            "catalogue_missing", f"there is no folder {folder}", "name a catalogue with --catalogue"
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
