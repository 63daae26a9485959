"""What identity is told by its environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.kit.settings import CommonSettings


class Settings(CommonSettings):
    """Variables with the prefix IDENTITY_."""

    model_config = SettingsConfigDict(env_prefix="IDENTITY_")

    grpc_port: int = Field(ge=0, le=65535, description="port of the calls")
    database_url: SecretStr = Field(description="identity's own PostgreSQL database")
    kafka_bootstrap: str = Field(
        default="127.0.0.1:17092", description="address of the log's brokers"
    )
    person_token_private_key_file: Path = Field(
        description="private key (PEM) that signs person tokens"
    )
    person_token_public_key_file: Path = Field(
        description="public key (PEM) that person tokens are checked with"
    )
    identifier_key_file: Path = Field(
        description="32 random bytes in hex: the key of identifiers' digests"
    )
    oidc_issuer: str = Field(description="address of the identity provider, as its tokens name it")
    oidc_client_id: str = Field(description="the client that ID tokens are issued to")
    lease_seconds: float = Field(
        default=10.0, gt=0, description="how long an enforcement point may serve without renewing"
    )
    access_log_days: int = Field(
        default=400, ge=1, le=36_500, description="how long lines of access logs are kept"
    )
