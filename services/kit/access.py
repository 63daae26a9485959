"""Which caller may call which RPC: one table, complete or the server does not start."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from services.kit.catalogue import load_file
from services.kit.service_tokens import Caller

PERSON: Final = "person"
ANYONE: Final = "anyone"
# Whoever the service itself believes, by tokens that the door does not know.
PUBLISHER: Final = "publisher"
_NOT_FOR_THE_DOOR: Final = frozenset({ANYONE, PUBLISHER})

_SCHEMA: Final = {
    "type": "object",
    "propertyNames": {"pattern": r"^[a-z][A-Za-z0-9_.]*\.[A-Z][A-Za-z0-9]*/[A-Z][A-Za-z0-9]*$"},
    "additionalProperties": {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$"},
    },
}


class RpcsMissingFromTable(Exception):
    """A server would offer RPCs for which nobody wrote down who may call them."""

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = sorted(missing)
        super().__init__(f"missing from the table of RPCs: {', '.join(self.missing)}")


class AccessTable:
    """Full method name (`package.Service/Method`) → who may call it."""

    def __init__(self, rows: dict[str, frozenset[str]]) -> None:
        self._rows = rows

    @classmethod
    def load(cls, path: Path) -> "AccessTable":
        """The table in a YAML file; raises CatalogueInvalid."""
        rows = load_file(path, _SCHEMA).data
        return cls({method: frozenset(callers) for method, callers in rows.items()})

    def check_complete(self, methods: Iterable[str]) -> None:
        """Raise RpcsMissingFromTable unless every method has its row."""
        missing = {name for name in map(_plain, methods) if name not in self._rows}
        if missing:
            raise RpcsMissingFromTable(missing)

    def needs_token(self, method: str) -> bool:
        """Whether a service's or a person's token is asked for before the method is reached."""
        return not self.callers(method) & _NOT_FOR_THE_DOOR

    def permits(self, method: str, caller: Caller) -> bool:
        """Whether the caller may reach the method; an unlisted method is nobody's."""
        callers = self.callers(method)
        if callers & _NOT_FOR_THE_DOOR:
            return True
        if caller.service is not None:
            return caller.service in callers - {PERSON}
        return caller.subject is not None and PERSON in callers

    def callers(self, method: str) -> frozenset[str]:
        """Who may call a method: names of services, `person`, `publisher`, `anyone`."""
        return self._rows.get(_plain(method), frozenset())


def _plain(method: str) -> str:
    return method.removeprefix("/")
