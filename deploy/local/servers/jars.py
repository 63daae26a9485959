"""Jars from Maven, pinned by a pom.xml and checked against committed SHA-256 sums."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.local.errors import ToolMissing
from deploy.local.servers.debian import Note, ensure_program
from deploy.local.settings import TOOLS

_HERE: Final = Path(__file__).resolve().parents[1]
_MAVEN_SECONDS: Final = 600
_COMPLETE: Final = "complete"


def read_sums(text: str) -> dict[str, str]:
    """Return {file name: SHA-256 in hex} from the lines that `sha256sum` writes."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return {name.lstrip("*"): digest for digest, name in pairs}


def wrong_jars(folder: Path, sums: dict[str, str]) -> list[str]:
    """Return the names that are missing, that nobody asked for, or whose content differs."""
    found = {path.name: path for path in folder.glob("*.jar")}
    strange = set(found) ^ set(sums)
    differing = {
        name
        for name in set(found) & set(sums)
        if hashlib.sha256(found[name].read_bytes()).hexdigest() != sums[name]
    }
    return sorted(strange | differing)


def ensure_jars(name: str, note: Note) -> list[Path]:
    """Return the checked jars of `deploy/local/<name>/pom.xml`, fetching them if need be.

    The classpath's order is part of what a class-data archive is valid for, so it is sorted.
    """
    pom, sums_file = _HERE / name / "pom.xml", _HERE / name / "jars.sha256"
    folder = TOOLS / name
    wanted = hashlib.sha256(pom.read_bytes() + sums_file.read_bytes()).hexdigest()
    complete = folder / _COMPLETE
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.is_file() or complete.read_text() != wanted:
            note(f"fetching {name}'s jars with Maven")
            _fetch(pom, read_sums(sums_file.read_text()), folder, note)
            complete.write_text(wanted)
    return sorted(folder.glob("*.jar"))


def ensure_java(note: Note) -> str:
    """Return the path of a Java runtime."""
    return ensure_program("java", "default-jre-headless", note)


def _fetch(pom: Path, sums: dict[str, str], folder: Path, note: Note) -> None:
    maven = ensure_program("mvn", "maven", note)
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    done = subprocess.run(
        [
            maven,
            *("-q", "-B", "-ntp", "-f", str(pom), "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", f"-DoutputDirectory={fresh}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=_MAVEN_SECONDS,
    )
    if done.returncode != 0:
        first = next((line for line in done.stdout.splitlines() if "ERROR" in line), "no reason")
        message = f"Maven could not fetch the jars of {folder.name}: {first[:300]}"
        raise ToolMissing(message)
    if wrong := wrong_jars(fresh, sums):
        message = f"jars of {folder.name} differ from jars.sha256: {', '.join(wrong[:5])}"
        raise ToolMissing(message)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
