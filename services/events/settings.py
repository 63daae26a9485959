"""What this service is told by its environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.kit.settings import CommonSettings
from services.kit.web import READ_TIMEOUT_SECONDS


class EventsSettings(CommonSettings):
    """Settings of the events service, each from `EVENTS_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="EVENTS_")

    http_port: int = Field(ge=0, le=65535, description="port departments publish to")
    grpc_port: int = Field(ge=0, le=65535, description="port departments publish to over gRPC")
    public_hosts: str = Field(
        default="127.0.0.1,localhost,::1",
        description="host names and addresses it is reached by, with commas between them",
    )
    read_timeout_seconds: float = Field(
        default=READ_TIMEOUT_SECONDS,
        gt=0,
        description="seconds within which the body of a request must be there",
    )
    database_url: SecretStr = Field(description="URL of this service's own PostgreSQL database")
    kafka_bootstrap: str = Field(
        default="127.0.0.1:17092", description="address of a broker, host:port"
    )
    identity_target: str = Field(
        default="127.0.0.1:17090", description="address of identity's gRPC server"
    )
    publisher_keys_dir: Path = Field(
        description="folder of publishers' public keys, as the register names their files"
    )
