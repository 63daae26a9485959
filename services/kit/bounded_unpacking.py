"""Compressed batches of records are unpacked only so far.

A mebibyte can hold gibibytes of nothing: the broker takes such a batch as it is, and the client
unpacks it whole in memory. Whoever reads what strangers write has to end that earlier.
"""

import sys
import zlib
from collections.abc import Callable
from typing import Any, Final

import cramjam
from aiokafka.record.default_records import DefaultRecordBatch

MAX_UNPACKED_BYTES: Final = 16 * 1024 * 1024
_USUAL_RATIO: Final = 8
_GZIP: Final = 16 + zlib.MAX_WBITS


class UnpackedTooLarge(Exception):
    """A batch of records is larger than is read here."""


def install() -> None:
    """Let aiokafka's consumers in this process unpack no batch further than to the limit.

    Snappy is left as it is: it cannot hold more than some twenty times its size.
    """
    # aiokafka has no setting for it; its reader finds these names when it is about to unpack.
    reader = sys.modules[DefaultRecordBatch.__module__]
    for name, unpack in UNPACKERS.items():
        if not callable(getattr(reader, name)):
            raise TypeError(name)
        setattr(reader, name, unpack)


def gzip_decode(packed: Any) -> bytes:
    """What was packed by gzip; raises UnpackedTooLarge."""
    unpacking = zlib.decompressobj(_GZIP)
    unpacked = unpacking.decompress(packed, MAX_UNPACKED_BYTES)
    if not unpacking.eof:
        raise UnpackedTooLarge
    return unpacked


def lz4_decode(packed: Any) -> bytes:
    """What was packed by LZ4; raises UnpackedTooLarge."""
    return _into(packed, cramjam.lz4.decompress_into)


def zstd_decode(packed: Any) -> bytes:
    """What was packed by Zstandard; raises UnpackedTooLarge."""
    return _into(packed, cramjam.zstd.decompress_into)


UNPACKERS: Final = {
    "gzip_decode": gzip_decode,
    "lz4_decode": lz4_decode,
    "zstd_decode": zstd_decode,
}


def _into(packed: Any, unpack: Callable[[Any, bytearray], int]) -> bytes:
    """Unpack into room that grows up to the limit; an unpacker only says that it did not do."""
    data = bytes(packed)
    room = len(data)
    while room < MAX_UNPACKED_BYTES:
        room = min(MAX_UNPACKED_BYTES, max(room, 1024) * _USUAL_RATIO)
        unpacked = bytearray(room)
        try:
            return bytes(memoryview(unpacked)[: unpack(data, unpacked)])
        except cramjam.DecompressionError:
            continue
    raise UnpackedTooLarge
