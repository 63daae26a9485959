"""What can go wrong on the way up or down, each as a fact with its cure."""

from __future__ import annotations


class LocalError(Exception):
    """The platform cannot do what was asked; the text is one line that says what to do."""


class AlreadyRunning(LocalError):
    """A platform with this home is up, or on its way up."""


class PortTaken(LocalError):
    """Something else listens on a port that the platform needs."""


class ToolMissing(LocalError):
    """A program that the platform needs is not on this machine and could not be fetched."""


class ServerAway(LocalError):
    """A server that the environment names does not answer."""


class StartFailed(LocalError):
    """A process did not become ready; `log` holds the last lines that it wrote."""

    def __init__(self, text: str, log: tuple[str, ...] = ()) -> None:
        """Keep the culprit's last log lines beside the text."""
        super().__init__(text)
        self.log = log

    def __str__(self) -> str:
        """Return those lines, and the text where the eye falls last."""
        return "\n".join((*(f"  {line}" for line in self.log), *self.args))


class NotRunning(LocalError):
    """The process that was named has no living pid."""
