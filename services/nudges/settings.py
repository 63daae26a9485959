"""What this service is told by its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import CommonSettings


class NudgesSettings(CommonSettings):
    """Settings of the nudges service, each from `NUDGES_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="NUDGES_")

    kafka_bootstrap: str = Field(
        default="127.0.0.1:17092", description="address of a broker, host:port"
    )
    identity_target: str = Field(
        default="127.0.0.1:17090", description="address of identity's gRPC server"
    )
    consumer_slot: str = Field(
        min_length=1,
        description="name of this worker's place in the group: a restart takes the same place",
    )
    delivery_seconds: float = Field(
        default=25.0,
        ge=2.0,
        description="seconds an output is tried, in order, before the process ends without it",
    )
    topics_wait_seconds: float = Field(
        default=20.0, ge=0.0, description="seconds to wait at the start for topics to be made"
    )
    data_dir: Path = Field(description="folder the stream library may write into; can be lost")
