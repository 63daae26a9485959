"""The page of topics: who writes what for whom, as a picture and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.reference.contracts import is_dead_letter, kept
from tools.reference.grpc import kinds, reached
from tools.reference.markdown import code, codes, page, table
from tools.reference.protos import read_protos

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.kit.topics import Topic
    from tools.reference.contracts import Contracts

_INTRODUCTION: Final = """\
Each topic is one file in [protos/topics](../../protos/topics), and is made from it. The same for
programs, with headers, payloads and settings: [asyncapi.yaml](asyncapi.yaml) (AsyncAPI 3.0)."""
_DEAD_LETTERS: Final = """\
What can never be read is set aside as it came, with its reason in headers (`dl_reason`, `dl_topic`,
`dl_partition`, `dl_offset`, …): [what to do](../runbooks/dead-letters.md)."""


def text(contracts: Contracts) -> str:
    """The page."""
    topics = contracts.topics.values()
    living = [each for each in topics if not is_dead_letter(each)]
    protos = read_protos()
    carried = reached((each.value for each in living), protos)
    return page(
        "Topics",
        _INTRODUCTION,
        "\n".join(("```mermaid", "flowchart LR", *_picture(living), "```")),
        _table(living),
        "## Dead letters",
        _DEAD_LETTERS,
        _table(each for each in topics if is_dead_letter(each)),
        "## Messages",
        *kinds(carried, protos),
    )


def _picture(topics: Iterable[Topic]) -> Iterator[str]:
    for number, topic in enumerate(topics):
        name = f"t{number}"
        yield f'    {name}[("{topic.topic}")]'
        yield from (f"    {service} --> {name}" for service in topic.producers)
        yield from (f"    {name} --> {service}" for service in topic.consumers)


def _table(topics: Iterable[Topic]) -> str:
    headings = ("topic", "what it carries", "key", "written by", "read by", "kept", "personal data")
    return table(
        headings,
        (
            (
                f"**{topic.topic}**",
                f"{topic.description} ({code(topic.value.rpartition('.')[2])})",
                topic.key,
                codes(topic.producers),
                codes(topic.consumers),
                kept(topic.retention_hours) + (", newest of each key" if topic.compacted else ""),
                topic.personal_data,
            )
            for topic in topics
        ),
    )
