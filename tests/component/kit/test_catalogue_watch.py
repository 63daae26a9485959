"""A watched catalogue follows its files, and keeps what was good."""

import asyncio
import json

import pytest

from services.kit.catalogue import Catalogue, Problem


@pytest.fixture
def catalogue(tmp_path):
    (tmp_path / "loaves").mkdir()
    (tmp_path / "loaves" / "rye.yaml").write_text("id: rye\n")
    schema = {"type": "object", "required": ["id"]}
    (tmp_path / "loaf.schema.json").write_text(json.dumps(schema))
    return Catalogue(
        tmp_path / "loaves",
        tmp_path / "loaf.schema.json",
        lambda documents: {each.data["id"] for each in documents},
    )


async def test_a_watched_folder_is_reloaded_when_a_file_changes(catalogue, tmp_path):
    stop = asyncio.Event()
    told: asyncio.Queue[list[str]] = asyncio.Queue()
    watching = asyncio.create_task(
        catalogue.watch(stop, lambda problems: told.put_nowait([each.code for each in problems]))
    )

    async def change_until_told(text):
        # The watch may begin a moment after the first write.
        while told.empty():
            (tmp_path / "oat.part").write_text(text)
            (tmp_path / "oat.part").rename(tmp_path / "loaves" / "oat.yaml")
            await asyncio.sleep(0.05)
        return await told.get()

    async with asyncio.timeout(10):
        assert await change_until_told("id: oat\n") == []
        assert catalogue.current == {"oat", "rye"}
        while await change_until_told("id: [\n") != ["yaml_invalid"]:
            pass
        assert catalogue.current == {"oat", "rye"}
        stop.set()
        await watching


async def test_what_changed_before_the_watch_began_is_seen_too(catalogue, tmp_path):
    (tmp_path / "loaves" / "oat.yaml").write_text("id: oat\n")
    stop, told = asyncio.Event(), asyncio.Event()

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(catalogue.watch(stop, lambda _problems: told.set()))
        await told.wait()
        stop.set()

    assert catalogue.current == {"oat", "rye"}


async def test_a_broken_file_is_told_once_and_not_every_second(catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr("services.kit.catalogue.LOOK_AGAIN_MS", 10)
    (tmp_path / "loaves" / "oat.yaml").write_text("id: [\n")
    told: list[list[Problem]] = []
    stop, look = asyncio.Event(), catalogue._traces
    looks = iter(range(10))

    def counted():
        if next(looks, None) is None:
            stop.set()
        return look()

    catalogue._traces = counted
    async with asyncio.timeout(10):
        await catalogue.watch(stop, told.append)

    assert [[each.code for each in problems] for problems in told] == [["yaml_invalid"]]
