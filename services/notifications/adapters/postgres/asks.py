"""A row of the ledger as the question it asks of the gate."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import sql

from services.notifications.domain.gate import Ask

# The version that a row is rendered from: the decision's own, or the newest minor of its major
# when it was scheduled. `v.document` is null while no such version was ever loaded.
VERSION: Final = sql.SQL("""
    LEFT JOIN LATERAL (
        SELECT kept.document FROM nudge_versions kept
        WHERE kept.id = l.nudge AND kept.major = l.major
          AND (kept.minor = l.minor OR l.scheduled)
        ORDER BY kept.minor DESC LIMIT 1
    ) v ON true
""")
ASK: Final = sql.SQL("""
    l.purpose, l.controller, l.epoch, l.permission_serial, l.channel, l.expires_at,
    coalesce(v.document ->> 'lawful_basis', ''), l.case_id
""")
ASK_COLUMNS: Final = 8


def ask_of(columns: Sequence[Any]) -> Ask:
    """The question of a row selected by ASK."""
    return Ask(*columns[:ASK_COLUMNS])
