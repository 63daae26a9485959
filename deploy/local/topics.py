"""Which topics a platform has: those that stand alone, and a pair for each of its publishers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.local.errors import LocalError
from services.kit.topics import Topic, instances, load_templates, load_topics
from services.kit.yaml_file import CatalogueInvalid, read_yaml

if TYPE_CHECKING:
    from pathlib import Path


def declared(root: Path) -> dict[str, Topic]:
    """Every topic of the platform that a repository describes, by name.

    A suspended publisher has none; what it wrote before is left to its retention. Raises
    CatalogueInvalid, or LocalError for an entry of the register that cannot be read.
    """
    folder = root / "protos" / "topics"
    found, templates = load_topics(folder), load_templates(folder)
    for path in sorted((root / "catalogue" / "publishers").glob("*.yaml")):
        try:
            entry = read_yaml(path).data
            if not entry.get("suspended", False):
                found |= instances(templates, publisher=str(entry["id"]))
        except (CatalogueInvalid, KeyError, AttributeError, ValueError) as wrong:
            message = f"{path} is no entry of the register of publishers: {wrong}"
            raise LocalError(message) from None
    return found
