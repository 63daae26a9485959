"""Consumer groups, as an operator handles them."""

from __future__ import annotations

from kafka.admin import KafkaAdminClient, MemberToRemove


def forget_members(bootstrap: str, group: str) -> None:
    """Take every member's place in a group away; a dead one keeps its own for ten seconds."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        members = admin.describe_groups([group])[group]["members"]
        admin.remove_group_members(
            group,
            [MemberToRemove(each["member_id"], each["group_instance_id"]) for each in members],
        )
    finally:
        admin.close()
