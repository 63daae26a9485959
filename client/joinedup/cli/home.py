"""Which platform is meant: its addresses, its keys and its people, found in JOINEDUP_HOME."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).resolve().parents[3]
PEOPLE_FILE: Final = "people.json"
_PRIVATE: Final = ".private.pem"


class Problem(Exception):
    """A command cannot do its work; `fix` says what to do about it."""

    def __init__(self, code: str, detail: str, fix: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.fix = fix


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person of this home: how they sign in, and what they are called."""

    sub: str
    name: str


@dataclass(frozen=True, slots=True)
class Home:
    """One platform's folder."""

    path: Path

    def endpoints(self) -> Mapping[str, str]:
        """The platform's addresses; raises Problem while none is running."""
        try:
            found = json.loads((self.path / "endpoints.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise Problem(
                "platform_not_running",
                f"no platform is running in {self.path}",
                "start one with `make up`, or name another folder in JOINEDUP_HOME",
            ) from None
        return {str(name): str(address) for name, address in found.items()}

    @property
    def publisher_keys(self) -> Path:
        """The folder of publishers' keys, private ones and those that the platform reads."""
        return self.path / "keys" / "publishers"

    def publisher_key(self, publisher: str) -> Path:
        """A publisher's private key; raises Problem when this home has none."""
        path = self.publisher_keys / f"{publisher}{_PRIVATE}"
        if not path.is_file():
            raise Problem(
                "publisher_key_missing",
                f"no private key of the publisher {publisher!r} in {path.parent}",
                f"name one of: {', '.join(self.publishers()) or 'none here; run `make up`'}",
            )
        return path

    def publishers(self) -> tuple[str, ...]:
        """Ids of the publishers whose private keys this home has."""
        found = self.publisher_keys.glob(f"*{_PRIVATE}")
        names = (path.name.removesuffix(_PRIVATE) for path in found)
        # With a dot in it, it is a key that another one has followed.
        return tuple(sorted(each for each in names if "." not in each))

    def publisher_for(self, event: Mapping[str, Any]) -> str:
        """The one publisher that may send this event; raises Problem when that is unclear."""
        source, kind = event.get("source"), event.get("type")
        mine = self.publishers()
        able = [
            each["id"]
            for each in _publishers()
            if each["id"] in mine and source in each["sources"] and {kind, "*"} & set(each["types"])
        ]
        if len(able) != 1:
            among = ", ".join(able or mine) or "none: run `make up` first"
            raise Problem(
                "publisher_unclear",
                "the event's source and type do not say which publisher sends it",
                f"say which one with --publisher, among: {among}",
            )
        return str(able[0])

    def operator_key(self) -> Path:
        """The operator's private key; raises Problem when this home has none."""
        path = self.path / "keys" / "services" / "operator.private.pem"
        if not path.is_file():
            raise Problem(
                "operator_key_missing",
                f"no operator key at {path}",
                "`make up` makes one; it stays on the machine that runs the platform",
            )
        return path

    def people(self) -> tuple[KnownPerson, ...]:
        """The people who were added to this home."""
        try:
            found = json.loads((self.path / PEOPLE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ()
        return tuple(KnownPerson(each["sub"], each["name"]) for each in found)

    def remember_people(self, people: Mapping[str, str]) -> None:
        """Keep sign-in names and names of added people, for `--as`."""
        known = {each.sub: each.name for each in self.people()} | dict(people)
        rows = [{"sub": sub, "name": name} for sub, name in sorted(known.items())]
        draft = self.path / f"{PEOPLE_FILE}.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(rows, ensure_ascii=False, indent=0), encoding="utf-8")
        draft.replace(self.path / PEOPLE_FILE)

    def sub_of(self, person: str) -> str:
        """The sign-in name of a person given by it, or by name; raises Problem if unclear.

        A name nobody here has is taken for a sign-in name: the platform knows whether it is one.
        """
        people = self.people()
        if any(each.sub == person for each in people):
            return person
        wanted = _plain(person)
        found = [each.sub for each in people if _plain(each.name) == wanted]
        found = found or [each.sub for each in people if wanted in _plain(each.name).split()]
        if len(found) > 1:
            raise Problem(
                "person_unclear",
                f"{len(found)} people here have that name",
                f"use a sign-in name: {', '.join(found[:10])}",
            )
        return found[0] if found else person


def here() -> Home:
    """The home that JOINEDUP_HOME names, else the repository's own."""
    return Home(Path(os.environ.get("JOINEDUP_HOME") or ROOT / "build" / "run").expanduser())


def catalogue() -> Path:
    """The catalogue that JOINEDUP_CATALOGUE names, else the repository's own."""
    return Path(os.environ.get("JOINEDUP_CATALOGUE") or ROOT / "catalogue").expanduser()


def _publishers() -> list[dict[str, Any]]:
    folder = catalogue() / "publishers"
    return [YAML(typ="safe").load(path) for path in sorted(folder.glob("*.yaml"))]


def _plain(name: str) -> str:
    """Lower case without accents, words apart: what people type."""
    split = unicodedata.normalize("NFKD", name.replace("-", " ").casefold())
    return " ".join("".join(c for c in split if not unicodedata.combining(c)).split())
