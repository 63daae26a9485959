"""What the portal reads from its environment (PORTAL_*)."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.kit.settings import REPOSITORY, CommonSettings

_WEB_ORIGIN = r"^https?://[a-z0-9.:\[\]-]+$"


class Settings(CommonSettings):
    """The portal's settings."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_")

    http_port: int = Field(ge=0, le=65535, description="port of the pages")
    public_url: str = Field(
        default="",
        pattern=rf"{_WEB_ORIGIN}|^$",
        description="origin under which browsers reach the pages; default http://HOST:HTTP_PORT",
    )
    identity_target: str = Field(description="host:port of identity")
    notifications_target: str = Field(description="host:port of notifications")
    redis_url: str = Field(description="address of the Redis that keeps the sessions")
    oidc_issuer: str = Field(
        pattern=r"^https?://[^\s?#]+$", description="the OpenID Connect provider's issuer"
    )
    oidc_client_id: str = Field(min_length=1, description="our client id at the provider")
    oidc_client_secret_file: Path | None = Field(
        default=None, description="file of our client secret; unset: a public client with PKCE"
    )
    session_secret_file: Path = Field(
        description="file of at least 32 random bytes in hexadecimal, readable by us alone"
    )
    assets_dir: Path = Field(
        default=REPOSITORY / "build" / "portal-assets",
        description="folder of the compiled styles and scripts",
    )
    brand_name: str = Field(default="Joined-Up", min_length=1, description="name of the service")
    brand_logo_text: str = Field(default="Joined-Up", min_length=1, description="text in the bar")
    brand_colour: str = Field(
        default="#0b4f54",
        pattern=r"^#[0-9a-f]{6}$",
        description="colour of bar and banners; white text must be readable on it",
    )

    @model_validator(mode="after")
    def _encrypted_in_production(self) -> Self:
        if self.environment == "production":
            for name, address in (
                ("public_url", self.public_url),
                ("oidc_issuer", self.oidc_issuer),
            ):
                if urlsplit(address).scheme != "https":
                    raise ValueError(f"{name.upper()} must be an https address in production")
        return self

    @property
    def origin(self) -> str:
        """The origin that browsers see."""
        return self.public_url or f"http://{self.host}:{self.http_port}"
