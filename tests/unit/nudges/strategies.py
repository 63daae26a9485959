"""Any event, any permissions, any nudge: what the laws of deciding are tried on."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import strategies as st

from services.nudges.domain.eligibility import Comparison, Operator
from services.nudges.domain.life_event import Reason, Standing
from services.nudges.domain.permission import Choice, Flag
from tests.laws import subsets
from tests.unit.nudges.builders import (
    NOW,
    ROOT,
    a_life_event,
    a_nudge,
    a_permission,
    a_set,
)

ANSWERED = "family.child-benefit.claimed.v1"
NEVER = (Comparison("facts.multiple_birth", Operator.EQUAL, (True,)),)

events = st.builds(
    a_life_event,
    reason=st.sampled_from(Reason),
    standing=st.sampled_from(Standing),
    occurred=st.sampled_from(["2026-11-18", "2026-11", "2026", "2026-01-31", "2999-12-31", "1800"]),
    role=st.sampled_from(["mother", "father", "child"]),
    nation=st.sampled_from(["E", "W", "S", "NI"]),
    recorded_at=st.sampled_from([NOW, NOW - timedelta(days=400)]),
    permission_serial=st.integers(0, 5),
    age_years=st.none() | st.integers(0, 120),
    fulfilled_types=subsets([ANSWERED]),
    supersedes=st.sampled_from(["", ROOT]),
    root_event_id=st.sampled_from(["", ROOT]),
)
rows = st.builds(
    a_permission,
    choice=st.sampled_from(Choice),
    channels=subsets(["inbox", "stream"]),
    expires_at=st.sampled_from([None, NOW, NOW + timedelta(days=1)]),
)
permissions = st.builds(
    lambda row, flags: a_set(*row, flags=flags), st.lists(rows, max_size=1), subsets(Flag)
)
nudges = st.builds(
    a_nudge,
    nations=st.sampled_from([frozenset({"E", "W", "S", "NI"}), frozenset({"S"})]),
    after_days=st.integers(0, 20),
    fresh_days=st.integers(21, 365),
    deadline_days=st.none() | st.integers(21, 365),
    effective_until=st.none() | st.just(date(2026, 6, 1)),
    condition=st.sampled_from(
        [(), NEVER, (Comparison("derived.age_years", Operator.AT_LEAST, (18,)),)]
    ),
    unless=subsets([ANSWERED]),
)
moments = st.timedeltas(-timedelta(days=700), timedelta(days=700)).map(lambda by: NOW + by)
