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
    data_dir: Path = Field(description="folder the stream library may write into; can be lost")
