"""Settings every process has, and reading them from the environment with a helpful refusal."""

import sys
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parents[2]
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h

S = TypeVar("S", bound="CommonSettings")


class CommonSettings(BaseSettings):
    """What every process is told; a service subclasses it with its own prefix."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["production", "local", "test"] = Field(
        default="production", description="where this runs; only outside production may time shift"
    )
    clock_offset_seconds: float = Field(
        default=0.0, description="seconds added to the machine's clock; 0 in production"
    )
    host: str = Field(default="127.0.0.1", description="address to listen on")
    probe_port: int = Field(ge=0, le=65535, description="port of health and metrics")
    otlp_endpoint: str | None = Field(
        default=None, description="base address of the OTLP/HTTP collector; unset sends no traces"
    )
    trace_sample_ratio: float = Field(
        default=1.0, ge=0.0, le=1.0, description="share of new traces kept, 0 to 1"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severe line written"
    )
    service_key_file: Path | None = Field(
        default=None, description="this service's private key (PEM); signs its calls"
    )
    service_keys_dir: Path | None = Field(
        default=None, description="folder of every service's public key, <name>.public.pem"
    )
    protos_dir: Path = Field(
        default=REPOSITORY / "protos", description="folder of contracts, topics and the RPC table"
    )
    catalogue_dir: Path = Field(
        default=REPOSITORY / "catalogue", description="folder of the catalogue"
    )


def load(cls: type[S]) -> S:
    """The settings as the environment has them, else SystemExit(78) with one line a fault."""
    try:
        return cls()
    except ValidationError as refused:
        prefix = cls.model_config.get("env_prefix", "")
        for error in refused.errors(include_input=False, include_url=False):
            sys.stderr.write(_line(cls, prefix, dict(error)) + "\n")
        raise SystemExit(EXIT_CONFIGURATION) from None


def _line(cls: type[CommonSettings], prefix: str, error: dict[str, Any]) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    variable = f"{prefix}{name}".upper()
    field = cls.model_fields.get(name)
    meaning = f" ({field.description})" if field is not None and field.description else ""
    if error["type"] == "missing":
        return f"{variable} is not set{meaning}: set it"
    return f"{variable} is wrong{meaning}: {_expectation(error)}"


def _expectation(error: dict[str, Any]) -> str:
    # pydantic's sentence for value_error is our own validator's; its other sentences
    # name the expectation ("Input should be …") and never the value that was given.
    return str(error["msg"]).replace("Input should be", "it should be").removesuffix(".")
