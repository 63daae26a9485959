"""The composition and the Dockerfile as data: what each container is built of and started with."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).resolve().parents[1]
COMPOSE: Final = ROOT / "deploy" / "compose" / "compose.yaml"
DOCKERFILE: Final = ROOT / "deploy" / "docker" / "Dockerfile"
VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")

# Where an image has the repository, and a container the home.
APP: Final = "/app"
HOME: Final = "/var/lib/joinedup"

# What prepares the stores and ends; everything else is a process of the native plan.
ONCE: Final = ("keys", "databases", "topics")


def composition(**variables: str) -> dict[str, Any]:
    """compose.yaml as Compose takes it: anchors merged, variables filled in."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        if isinstance(value, str):
            return VARIABLE.sub(lambda found: variables.get(found[1], found[2]), value)
        return value

    found: dict[str, Any] = filled(YAML(typ="safe").load(COMPOSE))
    return found


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile: `COPY`, and what stands behind it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The text as a shell would split it."""
        return shlex.split(self.text)


@dataclass
class Stage:
    """One `FROM … AS name` and what follows; `base` is an image or an earlier stage."""

    base: str
    instructions: list[Instruction] = field(default_factory=list)


def stages() -> dict[str, Stage]:
    """The Dockerfile's stages by name."""
    found: dict[str, Stage] = {}
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    stage = Stage("")
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, text = line.strip().partition(" ")
        if name == "FROM":
            base, _, called = text.partition(" AS ")
            found[called] = stage = Stage(base)
        elif name:
            stage.instructions.append(Instruction(name, text))
    return found


def instructions_of(target: str) -> list[Instruction]:
    """All instructions that a stage's image came about by, its bases' first."""
    known = stages()
    stage = known[target]
    earlier = instructions_of(stage.base) if stage.base in known else []
    return [*earlier, *stage.instructions]


def copied(target: str, service: str) -> list[tuple[list[str], str]]:
    """What a stage's image takes from the repository: sources, and where they go below APP."""
    found = []
    for each in instructions_of(target):
        if each.name == "COPY" and "--from=" not in each.text:
            *sources, place = each.text.replace("${SERVICE}", service).split()
            found.append((sources, place))
    return found


def image_environment(target: str) -> dict[str, str]:
    """What a stage's image sets for whoever runs in it."""
    words = [word for each in instructions_of(target) if each.name == "ENV" for word in each.words]
    return dict(word.split("=", 1) for word in words)
