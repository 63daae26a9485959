"""Styles, scripts and the icon: a closed list, read once, cached by browsers for ever."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
COMPILED: Final = ("govuk-frontend.min.css", "govuk-frontend.min.js")
OURS: Final = ("icon.svg", "portal.css", "portal.js")

FONTS: Final = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'

_FAMILY: Final = "GDS Transport,arial,sans-serif"
# The rules that fetch that typeface, with its owners' notice before them.
_TYPEFACE = re.compile(r"(/\*![^*]*\*/)?@font-face\{[^}]*\}")
# What is left of images: a crest and a crown, in rules for components that no page has.
_PICTURE = re.compile(r"url\([^)]*\)")
_SOURCE_MAP = re.compile(r"\n?(//|/\*)# sourceMappingURL=\S+( \*/)?\s*$")

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"


class AssetsMissing(Exception):
    """The compiled styles and scripts have not been fetched."""


def ours_alone(compiled: str) -> str:
    """A compiled file without the typeface and the pictures that other services may not use."""
    plain = _TYPEFACE.sub("", _SOURCE_MAP.sub("\n", compiled))
    return _PICTURE.sub("none", plain.replace(_FAMILY, FONTS))


class Assets:
    """What may be asked for below `/assets/<version>/`."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)
        digest = hashlib.sha256()
        for name, content in sorted(self._files.items()):
            digest.update(name.encode() + b"\0" + content + b"\0")
        self.version = digest.hexdigest()[:12]

    @classmethod
    def load(cls, ours: Path, compiled: Path, brand_colour: str) -> "Assets":
        """Read the files; raises AssetsMissing."""
        try:
            texts = {name: (compiled / name).read_text("utf-8") for name in COMPILED}
        except OSError:
            raise AssetsMissing from None
        files = {name: ours_alone(text).encode() for name, text in texts.items()}
        files |= {name: (ours / name).read_bytes() for name in OURS}
        files["brand.css"] = f":root {{ --govuk-brand-colour: {brand_colour}; }}\n".encode()
        return cls(files)

    def address(self, name: str) -> str:
        """Where a page finds the file; raises KeyError for one that is not there."""
        if name not in self._files:
            raise KeyError(name)
        return f"/assets/{self.version}/{name}"

    def router(self) -> APIRouter:
        """The route that serves them."""
        router = APIRouter()

        @router.get("/assets/{version}/{name}", include_in_schema=False)
        async def asset(version: str, name: str) -> Response:
            content = self._files.get(name)
            if content is None:
                raise HTTPException(404)
            # While releases change over, a page of one may ask the other: served, not kept.
            cache = _FOR_EVER if version == self.version else _ASK_AGAIN
            return Response(
                content,
                media_type=MEDIA_TYPES[Path(name).suffix],
                headers={"cache-control": cache},
            )

        return router
