"""What a process of this service is told by its environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.kit.settings import CommonSettings


class NotificationsSettings(CommonSettings):
    """Settings with the prefix NOTIFICATIONS_."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, env_prefix="NOTIFICATIONS_"
    )

    probe_port: int = Field(default=17101, ge=0, le=65535, description="port of health and metrics")
    grpc_port: int = Field(default=17100, ge=0, le=65535, description="port of the gRPC server")
    advertised_target: str | None = Field(
        default=None,
        description="host:port at which identity reaches this process; unset is host and grpc_port",
    )
    kafka_bootstrap: str = Field(default="127.0.0.1:17092", description="the brokers' addresses")
    database_url: SecretStr = Field(
        default=SecretStr("postgresql://notifications@127.0.0.1:17432/notifications"),
        description="this service's own database",
    )
    database_connections: int = Field(
        default=8, ge=2, le=64, description="connections to the database, at most"
    )
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:17379/0"),
        description="hints between replicas; may be away",
    )
    identity_target: str = Field(default="127.0.0.1:17090", description="address of identity")
    person_token_public_key_file: Path = Field(
        description="public key (PEM) that people's tokens are checked with"
    )
    cursor_key_file: Path = Field(
        description="secret key that cursors are signed with: 32 bytes in hexadecimal"
    )
    stream_queue_frames: int = Field(
        default=64, ge=1, le=1024, description="frames that wait on one stream, at most"
    )
    streams_a_person: int = Field(
        default=10, ge=1, le=100, description="live streams of one person in this process, at most"
    )
    stream_max_age_seconds: float = Field(
        default=1800.0, gt=0, description="age at which a stream is ended"
    )
    heartbeat_seconds: float = Field(
        default=25.0,
        gt=0,
        description="silence after which a heartbeat is sent, give or take a fifth",
    )
    slow_reader_seconds: float = Field(
        default=2.0, gt=0, description="standstill of a full queue after which a stream is ended"
    )
    claim_lease_seconds: float = Field(
        default=15.0, gt=0, description="time in which a claimed prompt must have been sent"
    )
    poll_seconds: float = Field(
        default=1.0, gt=0, description="time between two looks into the ledger for what is due"
    )
    sweep_seconds: float = Field(
        default=2.0, gt=0, description="time between two clearings of the ledger"
    )
    fence_settle_seconds: float = Field(
        default=1.5, gt=0, description="time a fence waits for writes in progress, at most"
    )
