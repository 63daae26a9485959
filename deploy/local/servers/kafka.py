"""One Kafka broker in KRaft mode: its properties, its command, its formatted log directory."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import StartFailed

_FORMAT_SECONDS: Final = 60
_HERE: Final = Path(__file__).resolve().parents[1] / "kafka"

_PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    # After a kill the broker may only register again once its old session has run out.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.min.session.timeout.ms": "6000",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    # The default is half of the heap that this broker gets.
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
}

_FLAGS: Final = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "-Djava.awt.headless=true",
)


@dataclass(frozen=True, slots=True)
class KafkaFiles:
    """What one broker reads and writes."""

    java: str
    jars: tuple[Path, ...]
    archive: Path
    properties: Path
    data: Path
    log: Path


def properties(port: int, controller_port: int, data: Path) -> str:
    """Return the text of server.properties for a broker on loopback alone."""
    lines = {
        **_PROPERTIES,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(data),
    }
    return "".join(f"{key}={value}\n" for key, value in sorted(lines.items()))


def command(files: KafkaFiles, *, archive_exists: bool) -> tuple[str, ...]:
    """Return the broker's command; without a class-data archive it writes one when it ends."""
    sharing = "-XX:SharedArchiveFile" if archive_exists else "-XX:ArchiveClassesAtExit"
    return (
        files.java,
        *_FLAGS,
        f"{sharing}={files.archive}",
        f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}",
        f"-Djoinedup.log={files.log}",
        *("-cp", _classpath(files.jars)),
        *("kafka.Kafka", str(files.properties)),
    )


def archive_path(folder: Path, java: str, jars: tuple[Path, ...]) -> Path:
    """Return where the class-data archive of just this Java and just these jars belongs."""
    runtime = Path(os.path.realpath(java))
    marks = [str(runtime), str(runtime.stat().st_mtime_ns), *(str(jar) for jar in jars)]
    name = hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]
    return folder / f"broker-{name}.jsa"


def adopt_archive(written: Path, kept: Path) -> None:
    """Keep the archive that an earlier broker wrote at its end, for all brokers of this clone."""
    if written.is_file():
        if kept.exists():
            written.unlink()
        else:
            shutil.move(written, kept)


def ensure_formatted(files: KafkaFiles, port: int, controller_port: int) -> None:
    """Write server.properties, and format the log directory unless an earlier start did.

    The formatted folder appears under its name all at once, so a start that was killed half
    way leaves nothing that looks ready.
    """
    files.properties.write_text(properties(port, controller_port, files.data))
    if (files.data / "meta.properties").is_file():
        return
    fresh = files.data.with_name(f"{files.data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(files.data, ignore_errors=True)
    draft = files.properties.with_suffix(".new")
    draft.write_text(properties(port, controller_port, fresh))
    cluster = base64.urlsafe_b64encode(b"\x01" + secrets.token_bytes(15)).decode()
    done = subprocess.run(
        [
            *(files.java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
            *("-cp", _classpath(files.jars), "kafka.tools.StorageTool", "format"),
            *("--standalone", "-t", cluster, "-c", str(draft)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=_FORMAT_SECONDS,
    )
    draft.unlink()
    if done.returncode != 0:
        lines = tuple((done.stdout + done.stderr).splitlines()[-20:])
        message = "Kafka's log directory could not be formatted"
        raise StartFailed(message, lines)
    fresh.rename(files.data)


def _classpath(jars: tuple[Path, ...]) -> str:
    return os.pathsep.join(str(jar) for jar in jars)
