"""A watched catalogue follows its files, and keeps what was good."""

import asyncio
import json

import pytest

from services.kit.catalogue import Catalogue


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
