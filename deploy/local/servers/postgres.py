"""A private PostgreSQL cluster: made once, run on loopback, one role and database a service."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.errors import LocalError, StartFailed

SUPERUSER: Final = "joinedup"
# How every cluster is made, whoever makes it.
CLUSTER: Final = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
_INITDB_SECONDS: Final = 120
_PRIVATE: Final = 0o600

# Statements, parameters and key values may hold personal data: none of them reaches the log.
_QUIET_LOG: Final = {
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] ",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True, slots=True)
class PostgresFiles:
    """What one cluster reads and writes, and how it is started by whoever we are."""

    bin: Path
    data: Path
    sockets: Path
    keys: Path
    prefix: tuple[str, ...]


def prefix_for(user_id: int, *, namespaces: bool, account: tuple[int, int] | None) -> list[str]:
    """Return what stands before a PostgreSQL command, which refuses to run as root.

    Root runs it in a user namespace of its own, so that a clone inside a closed home stays
    within reach; where the kernel refuses namespaces, as the unprivileged `account`.
    """
    if user_id != 0:
        return []
    if account is None:
        message = "PostgreSQL refuses to run as root and no unprivileged account was found"
        raise LocalError(message)
    user, group = account
    if namespaces:
        return ["unshare", "-U", f"--map-user={user}", f"--map-group={group}"]
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]


def find_prefix() -> tuple[str, ...]:
    """Return the prefix that works on this machine."""
    if os.geteuid() != 0:
        return ()
    account = _unprivileged()
    wanted = prefix_for(0, namespaces=True, account=account)
    tried = subprocess.run([*wanted, "true"], capture_output=True, check=False, timeout=10)
    return tuple(prefix_for(0, namespaces=tried.returncode == 0, account=account))


def command(files: PostgresFiles, port: int, *, fsync: bool = True) -> tuple[str, ...]:
    """Return the server's command."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(files.sockets),
        "max_connections": "100",
        "shared_buffers": "256MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **_QUIET_LOG,
        **({} if fsync else {"fsync": "off", "full_page_writes": "off"}),
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return (*files.prefix, str(files.bin / "postgres"), "-D", str(files.data), *options)


def ensure_cluster(files: PostgresFiles) -> str:
    """Make the cluster unless it exists, and return the superuser's password."""
    password_file = files.keys / f"{SUPERUSER}.password"
    if (files.data / "PG_VERSION").is_file():
        if not password_file.is_file():
            message = f"{password_file} is gone: remove {files.data} to begin with empty stores"
            raise LocalError(message)
        _check_version(files)
        return password_file.read_text().strip()
    password = ensure_password(files.keys, SUPERUSER)
    fresh = files.data.with_name(f"{files.data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(files.data, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    _give_away(files, fresh)
    _initialise(files, fresh, password)
    fresh.rename(files.data)
    return password


def prepare_sockets(files: PostgresFiles) -> None:
    """Make the folder of the server's socket, owned by whom the server runs as."""
    files.sockets.mkdir(exist_ok=True, mode=0o700)
    _give_away(files, files.sockets)


def _initialise(files: PostgresFiles, fresh: Path, password: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=files.sockets) as handed_over:
        handed_over.write(f"{password}\n")
        handed_over.flush()
        _give_away(files, Path(handed_over.name))
        done = subprocess.run(
            [
                *(*files.prefix, str(files.bin / "initdb"), "-D", str(fresh), "-U", SUPERUSER),
                *(*CLUSTER, f"--pwfile={handed_over.name}", "--no-sync", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=_INITDB_SECONDS,
            cwd=files.sockets,
        )
    if done.returncode != 0:
        lines = tuple((done.stdout + done.stderr).splitlines()[-20:])
        message = "PostgreSQL's cluster could not be made"
        raise StartFailed(message, lines)


def forget_stale_pid_file(data: Path) -> None:
    """Remove postmaster.pid when the pid it names is no PostgreSQL server any more.

    The caller has made sure that no server of ours runs on this cluster; a pid that some other
    program has been given since would keep the new server from starting.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.is_file():
        return
    first = pid_file.read_text().split("\n", 1)[0].strip()
    comm = Path("/proc") / first / "comm"
    if not (first.isdigit() and comm.is_file() and comm.read_text().strip() == "postgres"):
        pid_file.unlink()


def ensure_password(keys: Path, role: str) -> str:
    """Return a role's password, made and kept (0600) at the first call."""
    path = keys / f"{role}.password"
    if not path.is_file():
        keys.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.touch(mode=_PRIVATE)
        draft.write_text(secrets.token_urlsafe(24))
        draft.rename(path)
    return path.read_text().strip()


def url_for(admin_url: str, role: str, password: str, database: str) -> str:
    """Return the admin's URL with another role, password and database."""
    parts = urlsplit(admin_url)
    place = parts.netloc.rpartition("@")[2]
    who = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{who}@{place}", path=f"/{database}"))


def ensure_database(admin_url: str, name: str, password: str) -> str:
    """Make the role and the database of that name, closed to other roles; return its URL."""
    role, secret = sql.Identifier(name), sql.Literal(password)
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=5) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, secret))
        exists = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(exists, (name,)).fetchone():
            # An administrator that is no superuser may only give away what its own roles own.
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))
    return url_for(admin_url, name, password, name)


def _check_version(files: PostgresFiles) -> None:
    made_by = (files.data / "PG_VERSION").read_text().strip()
    asked = subprocess.run(
        [str(files.bin / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    if f" {made_by}." not in asked.stdout:
        message = (
            f"the cluster was made by PostgreSQL {made_by}, which this is not: "
            f"remove {files.data} to begin with empty stores"
        )
        raise LocalError(message)


def _unprivileged() -> tuple[int, int] | None:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return None


def _give_away(files: PostgresFiles, path: Path) -> None:
    account = _unprivileged()
    if files.prefix[:1] != ("setpriv",) or account is None:
        return
    os.chown(path, *account)
    # Passing through is enough: what else stands in those folders is closed by itself.
    for folder in (path.parent, path.parent.parent):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & stat.S_ISVTX:
            folder.chmod(folder.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
    reached = subprocess.run(
        [*files.prefix, "test", "-w", str(path)], capture_output=True, check=False, timeout=10
    )
    if reached.returncode != 0:
        message = (
            f"PostgreSQL refuses to run as root, and its account cannot reach {path}: "
            "set JOINEDUP_HOME to a folder that everybody may pass through"
        )
        raise LocalError(message)
