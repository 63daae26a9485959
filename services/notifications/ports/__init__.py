"""What the rules of delivery need from outside. Every time is aware; every call may be repeated.

All methods that touch the store raise StoreUnavailable when it does not answer in time.
"""

from services.notifications.ports.access import AccessLogs, AccessOutbox
from services.notifications.ports.gate import Gate, LeaseRefused, Leases, Permissions, Taken
from services.notifications.ports.ledger import (
    Admission,
    Claimed,
    ClaimedRow,
    Decisions,
    Ledger,
    LookedUp,
    NudgeVersions,
    StoppedRow,
    Sweep,
)
from services.notifications.ports.prompts import OpenPrompt, Outbox, OutcomeLog, Prompts, Texts
from services.notifications.ports.streams import Live, LiveRegistry, Streams, WakeUps

__all__ = [
    "AccessLogs",
    "AccessOutbox",
    "Admission",
    "Claimed",
    "ClaimedRow",
    "Decisions",
    "Gate",
    "LeaseRefused",
    "Leases",
    "Ledger",
    "Live",
    "LiveRegistry",
    "LookedUp",
    "NudgeVersions",
    "OpenPrompt",
    "Outbox",
    "OutcomeLog",
    "Permissions",
    "Prompts",
    "StoppedRow",
    "Streams",
    "Sweep",
    "Taken",
    "Texts",
    "WakeUps",
]
