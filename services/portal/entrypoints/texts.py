"""The words of the pages, in English and Welsh, from one file a language."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from services.portal.domain.language import LANGUAGES

Translate = Callable[..., str]


class Texts:
    """Every text by language and key (`inbox.title`)."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, folder: Path) -> "Texts":
        """The texts in `<language>.toml`."""
        return cls(
            {
                language: dict(
                    _flat(tomllib.loads((folder / f"{language}.toml").read_text("utf-8")))
                )
                for language in LANGUAGES
            }
        )

    def keys(self, language: str) -> frozenset[str]:
        """Every key of a language."""
        return frozenset(self._texts[language])

    def speaking(self, language: str) -> Translate:
        """A function from a key, and values for its places, to the text; raises KeyError."""
        texts = self._texts[language]

        def translate(key: str, **values: str) -> str:
            return texts[key].format_map(values)

        return translate


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        key = f"{above}{name}"
        if isinstance(value, str):
            yield key, value
        else:
            yield from _flat(value, f"{key}.")
