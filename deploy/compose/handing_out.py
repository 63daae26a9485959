"""Each container gets the keys that its settings name, and no more.

Natively one account reads all keys of a home. Here every process has a folder of its own, laid out
like the home's, so that a setting names the same path in both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.local import ports, services
from deploy.local.preparing.keys import ensure_keys, publishers_in
from deploy.local.servers import postgres
from deploy.local.settings import ROOT

_PUBLIC: Final = "*.public.pem"
_PRIVATE: Final = 0o600
# The server of PostgreSQL runs as another account, which its container puts into our group.
_FOR_THE_GROUP: Final = 0o640
_FOLDER: Final = 0o750


def make_keys(home: Path) -> None:
    """Make every key and password that is missing in a home; raises OSError."""
    ensure_keys(home, publishers_in(ROOT / "catalogue"))
    folder = home / "keys" / "postgres"
    for role in (postgres.SUPERUSER, *services.WITH_DATABASE):
        password = postgres.ensure_password(folder, role)
        _write(_password_file(home, role), f"*:*:*:{role}:{password}\n".encode(), _PRIVATE)


def hand_out(home: Path, handed: Path) -> None:
    """Copy each process's keys into its folder below `handed`, and take away what it lost."""
    for name, files in parts(home).items():
        folder = handed / name
        wanted = {folder / file.relative_to(home / "keys"): file for file in files}
        for path in [each for each in folder.rglob("*") if each.is_file()]:
            if path not in wanted:
                path.unlink()
        for path, file in wanted.items():
            _make_folder(path.parent)
            mode = _FOR_THE_GROUP if name == "postgres" else file.stat().st_mode & 0o777
            _write(path, file.read_bytes(), mode)


def parts(home: Path) -> dict[str, list[Path]]:
    """Return each process's files among a home's keys; of a folder only the public ones."""
    keys = home / "keys"
    around = services.Surroundings(
        root=ROOT,
        home=home,
        port_base=ports.DEFAULT_BASE,
        kafka_bootstrap="",
        redis_url="",
        database_urls={},
    )
    settings = services.environments(around, {})
    found = {"postgres": [keys / "postgres" / f"{postgres.SUPERUSER}.password"]}
    for name in services.NAMES:
        named = [Path(value) for value in settings[name].values() if value.startswith(f"{keys}/")]
        found[name] = [
            file
            for path in named
            for file in (sorted(path.glob(_PUBLIC)) if path.is_dir() else [path])
        ]
    for role in services.WITH_DATABASE:
        found[role].append(_password_file(home, role))
    return found


def _password_file(home: Path, role: str) -> Path:
    return home / "keys" / "postgres" / f"{role}.pgpass"


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=_FOLDER)
        folder.chmod(_FOLDER)


def _write(path: Path, content: bytes, mode: int) -> None:
    # All at once: whoever watches the folder never reads half a key.
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=_PRIVATE)
    draft.write_bytes(content)
    draft.chmod(mode)
    draft.replace(path)
