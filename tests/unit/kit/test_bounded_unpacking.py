"""A batch that unpacks to more than anybody sends is given up before it fills the memory."""

import tracemalloc

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from services.kit import bounded_unpacking
from services.kit.bounded_unpacking import UnpackedTooLarge, install

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
LIMIT = 1 << 20


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(bounded_unpacking, "MAX_UNPACKED_BYTES", LIMIT)
    install()


def batch(codec, value):
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], 0, -1, -1, -1, 4 * len(value) + 10_000)
    for offset in range(3):
        builder.append(offset, timestamp=1, key=None, value=value, headers=[])
    return DefaultRecordBatch(bytes(builder.build()))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", [b"", b"x", bytes(range(256)) * 300, b"x" * (LIMIT // 4)])
def test_what_fits_is_read_as_it_was_written(codec, value):
    assert [record.value for record in batch(codec, value)] == [value] * 3


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_what_does_not_fit_is_given_up(codec):
    bomb = batch(codec, bytes(8 * LIMIT))
    tracemalloc.start()

    with pytest.raises(UnpackedTooLarge):
        list(bomb)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2.5 * LIMIT
