"""Finding or fetching every program the chosen processes need, and preparing their data."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from deploy.local import ports
from deploy.local.plan import Machine
from deploy.local.preparing.assets import ensure_assets
from deploy.local.servers import debian, jars, kafka, postgres
from deploy.local.services import WITH_DATABASE
from deploy.local.settings import ROOT, TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from deploy.local.running.supervisord import Folders
    from deploy.local.settings import External


def fetch(note: Callable[[str], None]) -> None:
    """Fetch, or find, everything that a whole platform needs, and start nothing."""
    ensure_assets(note)
    jars.ensure_java(note)
    for name in ("kafka", "zipkin"):
        jars.ensure_jars(name, note)
    debian.ensure_program("redis-server", "redis-server", note)
    debian.ensure_postgres(note)


def prepare(
    names: Collection[str],
    folders: Folders,
    port_base: int,
    external: External,
    note: Callable[[str], None],
) -> Machine:
    """Return the machine with programs found, log directory formatted and cluster made.

    Fetching comes first and one after the other (package managers lock), making data after it
    and side by side.
    """
    if "portal" in names:
        ensure_assets(note)
    java = jars.ensure_java(note) if {"kafka", "zipkin"} & set(names) else "java"
    kafka_files = _kafka_files(folders, java, note) if "kafka" in names else None
    zipkin_jar = jars.ensure_jars("zipkin", note)[0] if "zipkin" in names else None
    redis = debian.ensure_program("redis-server", "redis-server", note) if "redis" in names else ""
    postgres_files = _postgres_files(folders, note) if "postgres" in names else None
    with ThreadPoolExecutor() as pool:
        formatted = pool.submit(_format, kafka_files, port_base)
        cluster = pool.submit(_cluster, postgres_files)
        formatted.result()
        password = cluster.result()
    own_keys = folders.home / "keys" / "postgres"
    return Machine(
        root=ROOT,
        home=folders.home,
        port_base=port_base,
        python=sys.executable,
        external=external,
        kafka=kafka_files,
        kafka_archive_exists=kafka_files is not None and kafka_files.archive.is_file(),
        postgres=postgres_files,
        postgres_password=password,
        redis_program=redis,
        java=java,
        zipkin_jar=zipkin_jar,
        passwords={role: postgres.ensure_password(own_keys, role) for role in WITH_DATABASE},
    )


def _kafka_files(folders: Folders, java: str, note: Callable[[str], None]) -> kafka.KafkaFiles:
    found = tuple(jars.ensure_jars("kafka", note))
    kept = kafka.archive_path(TOOLS, java, found)
    # Not among the data, which a fresh start throws away.
    written = folders.home / "kafka-broker.jsa"
    kafka.adopt_archive(written, kept)
    return kafka.KafkaFiles(
        java=java,
        jars=found,
        archive=kept if kept.is_file() else written,
        properties=folders.home / "kafka.properties",
        data=folders.home / "data" / "kafka",
        log=folders.log("kafka-broker"),
    )


def _postgres_files(folders: Folders, note: Callable[[str], None]) -> postgres.PostgresFiles:
    return postgres.PostgresFiles(
        bin=debian.ensure_postgres(note),
        data=folders.home / "data" / "postgres",
        sockets=folders.sockets / "postgres",
        keys=folders.home / "keys" / "postgres",
        prefix=postgres.find_prefix(),
    )


def _format(files: kafka.KafkaFiles | None, base: int) -> None:
    if files is not None:
        kafka.ensure_formatted(
            files, ports.port(base, "kafka"), ports.port(base, "kafka_controller")
        )


def _cluster(files: postgres.PostgresFiles | None) -> str:
    if files is None:
        return ""
    postgres.prepare_sockets(files)
    password = postgres.ensure_cluster(files)
    postgres.forget_stale_pid_file(files.data)
    return password
