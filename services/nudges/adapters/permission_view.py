"""What was heard of people's permissions, and asking identity where that is too old."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from services.nudges import metrics
from services.nudges.domain.permission import PermissionSet


class Snapshots(Protocol):
    """Where permissions are true: identity."""

    async def fetch(self, handles: Iterable[str]) -> list[PermissionSet]:
        """The sets of these handles; raises PermissionsUnavailable."""


class PermissionView:
    """The newest set heard for each handle, whoever told it."""

    def __init__(self) -> None:
        self._sets: dict[str, PermissionSet] = {}

    def learn(self, heard: PermissionSet) -> None:
        """Keep a set unless a newer one is known: records may come late and more than once."""
        known = self._sets.get(heard.subject)
        if known is None or heard.serial >= known.serial:
            self._sets[heard.subject] = heard

    def forget(self, handle: str) -> None:
        """The person was erased: nothing is known of them any more."""
        self._sets.pop(handle, None)

    def find(self, handle: str) -> PermissionSet | None:
        """The newest set known, None for a handle never heard of."""
        return self._sets.get(handle)

    def __len__(self) -> int:
        return len(self._sets)


class ReadThrough:
    """The view where it is new enough, else identity's answer, which the view then knows too.

    Serial 0 means that identity itself had nothing when the event was admitted, so a handle never
    heard of is good as it is. What identity answers is final, whatever serial the event names: a
    forged serial must not hold up a partition.
    """

    def __init__(self, view: PermissionView, snapshots: Snapshots) -> None:
        self._view = view
        self._snapshots = snapshots

    async def at_least(self, serials: Mapping[str, int]) -> Mapping[str, PermissionSet]:
        """The set of each handle, none older than the serial asked for."""
        found = {handle: self._view.find(handle) or PermissionSet(handle) for handle in serials}
        stale = [handle for handle, serial in serials.items() if found[handle].serial < serial]
        metrics.permission_lookups(view=len(serials) - len(stale), snapshot=len(stale))
        if stale:
            for answered in await self._snapshots.fetch(stale):
                self._view.learn(answered)
                found[answered.subject] = answered
        return found
