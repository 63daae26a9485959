"""Settings come from the environment, and a wrong one is named with its fix, never its value."""

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.kit.settings import CommonSettings, load


class BakerySettings(CommonSettings):
    model_config = SettingsConfigDict(env_prefix="BAKERY_")

    oven_port: int = Field(ge=1, description="port of the oven")
    sign_key: SecretStr = Field(default=SecretStr(""), max_length=8)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("BAKERY_OVEN_PORT", "80")
    monkeypatch.setenv("BAKERY_PROBE_PORT", "81")
    return monkeypatch


def test_what_is_not_set_has_the_safe_default():
    settings = load(BakerySettings)

    assert settings.environment == "production"
    assert settings.clock_offset_seconds == 0
    assert settings.host == "127.0.0.1"
    assert settings.otlp_endpoint is None
    assert (settings.protos_dir / "rpc-access.yaml").is_file()


def test_the_environment_is_read_with_the_services_prefix(environment):
    environment.setenv("BAKERY_ENVIRONMENT", "local")
    environment.setenv("BAKERY_OTLP_ENDPOINT", "http://127.0.0.1:17051")
    environment.setenv("ENVIRONMENT", "test")

    settings = load(BakerySettings)

    assert settings.environment == "local"
    assert settings.otlp_endpoint == "http://127.0.0.1:17051"


def test_each_wrong_setting_is_one_line_with_its_variable(environment, capsys):
    environment.delenv("BAKERY_OVEN_PORT")
    environment.setenv("BAKERY_TRACE_SAMPLE_RATIO", "2.5secret")
    environment.setenv("BAKERY_ENVIRONMENT", "secret-place")

    with pytest.raises(SystemExit) as ended:
        load(BakerySettings)

    assert ended.value.code == 78
    lines = sorted(capsys.readouterr().err.splitlines())
    assert [line.split()[0] for line in lines] == [
        "BAKERY_ENVIRONMENT",
        "BAKERY_OVEN_PORT",
        "BAKERY_TRACE_SAMPLE_RATIO",
    ]
    assert lines[1] == "BAKERY_OVEN_PORT is not set (port of the oven): set it"
    assert "'production', 'local' or 'test'" in lines[0]


def test_no_value_is_printed(environment, capsys):
    for name in ("OVEN_PORT", "PROBE_PORT", "SIGN_KEY", "LOG_LEVEL", "CLOCK_OFFSET_SECONDS"):
        environment.setenv(f"BAKERY_{name}", "hunter2-is-the-secret")

    with pytest.raises(SystemExit):
        load(BakerySettings)

    printed = capsys.readouterr()
    assert "hunter2" not in printed.out + printed.err
    assert "BAKERY_SIGN_KEY" in printed.err


def test_settings_do_not_change_after_they_were_read():
    settings = load(BakerySettings)

    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, "oven_port", 1)  # noqa: B010  # the checker refuses it too
