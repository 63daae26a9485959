"""A home with keys, and a door behind a real socket that its commands publish to."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from services.kit.service_tokens import generate_keypair
from tests.command_line import InProcess
from tests.component.client.counter import Counter
from tests.component.client.door import Door

EXAMPLES = Path("protos/examples/files")


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    for each in ("gro", "council-cardiff"):
        keys = home / "keys" / "publishers"
        generate_keypair(keys / f"{each}.private.pem", keys / f"{each}.public.pem")
    return home


@pytest.fixture
def counter(home):
    key = ECKey.import_key((home / "keys/publishers/gro.private.pem").read_bytes())
    with contextlib.closing(Counter(key)) as opened:
        (home / "endpoints.json").write_text(json.dumps({"events_http": opened.url}))
        yield opened


@pytest.fixture
def door(counter):
    made = Door()
    counter.answers.append(made)
    return made


@pytest.fixture
def joinedup(home):
    return InProcess(home)


@pytest.fixture
def births(tmp_path):
    """The example, where a test may write beside it."""
    for name in ("births.csv", "births.mapping.yaml"):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    return tmp_path / "births.csv"
