"""What HTTP connections of this package have in common."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def trust() -> ssl.SSLContext:
    """Whom https believes; read once, for it takes longer than many a whole call."""
    return httpx.create_ssl_context(trust_env=False)
