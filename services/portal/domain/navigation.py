"""Where a link may lead."""

import re
from typing import Final
from urllib.parse import urlsplit

HOME: Final = "/"
_LONGEST: Final = 1024

# A path of our own: one slash, then anything but a second slash or a backslash (browsers read
# "//host" and "/\host" as another site); printable ASCII only, so no control character can hide.
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def local_path(wanted: str | None) -> str:
    """The wanted path if it leads to a page here, else home."""
    if wanted is None or len(wanted) > _LONGEST or _LOCAL.fullmatch(wanted) is None:
        return HOME
    return wanted


def host_of_web_address(address: str) -> str | None:
    """The host of an https address that may stand behind a link; None for anything else."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    plain = port is None and parts.username is None and parts.password is None
    return parts.hostname if parts.scheme == "https" and plain else None
