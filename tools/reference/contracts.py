"""What the pages are made from: topics, event types, publishers and messages, read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.events.adapters.catalogue_files import CatalogueFiles
from services.kit.topics import DEAD_LETTER_SUFFIX, Topic, load_templates, load_topics

ROOT: Final = Path(__file__).resolve().parents[2]
PROTOS: Final = ROOT / "protos"


@dataclass(frozen=True, slots=True)
class Contracts:
    """Everything that is promised, as files say it."""

    topics: dict[str, Topic]
    register: CatalogueFiles


def read_contracts() -> Contracts:
    """Read them; raises CatalogueInvalid for what a service would not start with."""
    return Contracts(
        topics=load_topics(PROTOS / "topics") | load_templates(PROTOS / "topics"),
        register=CatalogueFiles(ROOT / "catalogue", PROTOS / "examples", fictitious=True),
    )


def is_dead_letter(topic: Topic) -> bool:
    """Whether a topic keeps what could not be read, as it came."""
    return topic.topic.endswith(DEAD_LETTER_SUFFIX)


def proto_of(message: str) -> str:
    """The text of the file that declares a message; raises LookupError when none does."""
    package, _, name = message.rpartition(".")
    for path in sorted((PROTOS / Path(*package.split("."))).glob("*.proto")):
        text = path.read_text(encoding="utf-8")
        if f"\nmessage {name} {{" in text:
            return text
    raise LookupError(f"no .proto file declares {message}")


def kept(hours: int) -> str:
    """How long a record is kept, in words."""
    if hours < 0:
        return "for ever"
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} hours"  # noqa: PLR2004  # a day
