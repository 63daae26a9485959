"""Our images hold what they run, pinned by hash, and nothing that builds or installs."""

from __future__ import annotations

import ast
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import pytest

from deploy.compose.handing_out import parts
from tests.containers import (
    APP,
    DOCKERFILE,
    HOME,
    ROOT,
    composition,
    copied,
    image_environment,
    instructions_of,
    stages,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

BUILT: Final = sorted(
    {
        (container["build"]["target"], container["build"]["args"]["SERVICE"])
        for container in composition()["services"].values()
        if "build" in container
    }
)
STAGES: Final = stages()
SEARCHED: Final = image_environment("base")["PYTHONPATH"].split(":")
OUR_CODE: Final = {path.name for path in ROOT.iterdir() if path.is_dir()} | {"joinedup"}
TOOLS: Final = re.compile(r"\b(apt-get|apt|gcc|g\+\+|make|npm|curl|wget|git|pip install)\b")


def text_of(target: str, name: str) -> list[str]:
    return [each.text for each in instructions_of(target) if each.name == name]


@pytest.mark.parametrize(("target", "service"), BUILT)
def test_everything_that_is_copied_is_there(target: str, service: str) -> None:
    from_others = {
        found[1]
        for text in text_of(target, "COPY")
        if (found := re.search(r"--from=(\w+)", text)) is not None
    }
    sources = [
        source
        for stage in (target, *from_others)
        for found, _ in copied(stage, service)
        for source in found
    ]

    assert sources
    assert from_others <= set(STAGES)
    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize(("target", "service"), BUILT)
def test_everything_that_is_copied_is_sent_to_the_builder(target: str, service: str) -> None:
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    sent = [line[1:] for line in ignored if line.startswith("!")]
    sources = [
        source for stage in STAGES for found, _ in copied(stage, service) for source in found
    ]

    assert "*" in ignored
    for source in sources:
        first = source.partition("/")[0]
        assert first in sent or (
            first.startswith("requirements-") and "!requirements-*.txt" in ignored
        )


@pytest.mark.parametrize(("target", "service"), BUILT)
def test_an_image_runs_as_nobody_of_importance(target: str, service: str) -> None:
    containers = composition()["services"].values()
    users = {
        container["user"]
        for container in containers
        if container.get("build", {}).get("args") == {"SERVICE": service}
    }

    assert text_of(target, "USER")[-1] == "10001:10001"
    assert users == {"10001:10001"}


@pytest.mark.parametrize(("target", "service"), BUILT)
def test_whoever_runs_reads_what_was_copied_from_a_closed_clone(target: str, service: str) -> None:
    whole = instructions_of(target)
    copies = [
        step
        for step, each in enumerate(whole)
        if each.name == "COPY" and "--from=" not in each.text
    ]
    opened = [step for step, each in enumerate(whole) if f"chmod -R a+rX {APP} " in each.text]

    assert max(copies) < max(opened)


@pytest.mark.parametrize(("target", "service"), BUILT)
def test_an_image_has_the_scripts_that_are_run_in_it_by_their_path(
    target: str, service: str
) -> None:
    there = {f"{APP}/{place}" for place in files_in(target, service)}
    asked = [str(each.get("healthcheck", "")) for each in composition()["services"].values()]
    scripts = set(
        re.findall(rf"{APP}/\S+\.py", " ".join([*asked, *text_of(target, "HEALTHCHECK")]))
    )

    assert scripts
    assert scripts <= there


@pytest.mark.parametrize(("target", "service"), BUILT)
def test_a_final_image_can_neither_build_nor_install(target: str, service: str) -> None:
    runs = text_of(target, "RUN")

    assert [run for run in runs if TOOLS.search(run)] == []
    assert any("pip uninstall -q -y pip setuptools wheel" in run for run in runs)


@pytest.mark.parametrize(("target", "service"), BUILT)
def test_every_package_is_pinned_by_hash(target: str, service: str) -> None:
    pinned = (ROOT / f"requirements-{service}.txt").read_text()
    packages = re.split(r"\n(?=\S)", pinned.strip())

    assert packages
    assert all("==" in each and "--hash=sha256:" in each for each in packages)
    assert not any(
        re.match(name, each) for each in packages for name in ("setuptools=", "pip=", "wheel=")
    )


def test_packages_are_installed_by_their_hashes_and_built_nowhere() -> None:
    installs = [
        command
        for stage in STAGES.values()
        for each in stage.instructions
        if each.name == "RUN"
        for command in each.text.split("&&")
        if re.search(r"\bpip\b.* install ", command)
    ]

    assert installs
    for text in installs:
        assert "--require-hashes" in text
        assert "--no-deps" in text
        assert "--only-binary :all:" in text


@pytest.mark.parametrize(
    ("target", "service"), [pair for pair in BUILT if pair[0] in ("service", "portal")]
)
def test_an_image_holds_one_service_and_says_whether_it_is_ready(target: str, service: str) -> None:
    own = {
        source.split("/")[1]
        for sources, _ in copied(target, service)
        for source in sources
        if source.startswith("services/")
    }

    assert own == {"__init__.py", "kit", service}
    assert len(text_of(target, "HEALTHCHECK")) == 1
    assert "ADD" not in {each.name for each in instructions_of(target)}


def files_in(target: str, service: str) -> dict[PurePosixPath, Path]:
    """Every Python file of an image below APP, and where the repository has it."""
    found: dict[PurePosixPath, Path] = {}
    for sources, place in copied(target, service):
        for source in (ROOT / each for each in sources):
            paths = source.rglob("*.py") if source.is_dir() else [source]
            base = source if source.is_dir() else source.parent
            found |= {PurePosixPath(place) / path.relative_to(base): path for path in paths}
    return found


def modules_of(files: Iterable[PurePosixPath]) -> set[str]:
    roots = [PurePosixPath(part).relative_to(APP) for part in SEARCHED if part.startswith(APP)]
    return {
        ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for file in files
        for root in roots
        if file.is_relative_to(root)
    }


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
    }
    return found | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }


@pytest.mark.parametrize(("target", "service"), BUILT)
def test_an_image_holds_all_of_our_code_that_it_imports(target: str, service: str) -> None:
    files = files_in(target, service)
    known = modules_of(files)
    missing = {
        (str(place), name)
        for place, path in files.items()
        if path.suffix == ".py" and place.parts[0] != "protos"
        for name in imported(path)
        if name.partition(".")[0] in OUR_CODE and not {name, name.rpartition(".")[0]} & known
    }

    assert known
    assert missing == set()


def test_what_a_volume_covers_belongs_to_who_uses_it() -> None:
    made = " ".join(text_of("tools", "RUN"))
    handed = re.search(r"for name in ([a-z ]+);", made)

    assert handed is not None
    assert set(handed[1].split()) == set(parts(ROOT))
    assert f"-m 0750 {HOME}/keys" in made
    assert text_of("tools", "WORKDIR") == [APP]
