"""The environment: what is set, what is made, and what is refused."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from awe_app.settings import Environment, load_environment

VARIABLES = [
    *("AWE_ENV", "AWE_DATA_DIR", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "JWT_SECRET_KEY", "CORS_ORIGINS"),
    *("LOG_LEVEL", "LOG_FILE", "SMTP_URL", "PUBLIC_URL", "PORT", "AWE_ALLOWED_HOSTS", "AWE_MAX_CONCURRENT_EXECUTIONS"),
]
GOOD = "9f2c4e7a1b8d3f6058c1e4a79b2d5f80"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, and the working folder is empty."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_any_variable_everything_is_in_data(tmp_path: Path) -> None:
    environment = load_environment()
    assert environment.data_dir == tmp_path / "data"
    assert environment.database_url == f"sqlite+aiosqlite:///{tmp_path}/data/awe.db"
    assert (environment.port, environment.public_url, environment.log_level) == (8000, "http://localhost:8000", "INFO")
    assert (environment.cors_origins, environment.allowed_hosts, environment.redis_url) == ([], [], None)
    assert environment.max_concurrent_executions == 64


def test_every_variable_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable, value in {
        "AWE_DATA_DIR": "here",
        "DATABASE_URL": "postgresql+asyncpg://awe:pw@db/awe",
        "REDIS_URL": "redis://cache",
        "CORS_ORIGINS": "https://a.example, https://b.example:8443/",
        "LOG_LEVEL": "debug",
        "LOG_FILE": "logs/awe.log",
        "SMTP_URL": "smtp://mail",
        "PUBLIC_URL": "https://awe.example/",
        "PORT": "9000",
        "AWE_ALLOWED_HOSTS": "localhost:11434,10.0.0.5:80,[::1]:8080",
        "AWE_MAX_CONCURRENT_EXECUTIONS": "3",
        "SECRET_KEY": GOOD,
        "JWT_SECRET_KEY": GOOD[::-1],
    }.items():
        monkeypatch.setenv(variable, value)
    environment = load_environment()
    assert environment.data_dir == tmp_path / "here"
    assert environment.database_url == "postgresql+asyncpg://awe:pw@db/awe"
    assert environment.redis_url == "redis://cache"
    assert environment.cors_origins == ["https://a.example", "https://b.example:8443"]
    assert (environment.log_level, environment.log_file) == ("DEBUG", tmp_path / "logs/awe.log")
    assert (environment.smtp_url, environment.public_url) == ("smtp://mail", "https://awe.example")
    assert (environment.port, environment.max_concurrent_executions) == (9000, 3)
    assert environment.allowed_hosts == ["localhost:11434", "10.0.0.5:80", "[::1]:8080"]
    assert (environment.secret_key, environment.jwt_secret_key) == (GOOD, GOOD[::-1])
    assert not (tmp_path / "here").exists()


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")
    assert load_environment().smtp_url is None
    assert len(load_environment().secret_key) >= 32


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgres://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("sqlite:////var/awe.db", "sqlite+aiosqlite:////var/awe.db"),
    ],
)
def test_common_spellings_of_a_database_are_understood(given: str, used: str) -> None:
    assert Environment(database_url=given).database_url == used  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://root:hush-hush@db/awe"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite://"),
        ("PORT", "0"),
        ("PORT", "hush-hush"),
        ("AWE_ALLOWED_HOSTS", "localhost"),
        ("AWE_ALLOWED_HOSTS", "http://localhost:80"),
        ("AWE_ALLOWED_HOSTS", "localhost:99999"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "example.org"),
        ("PUBLIC_URL", "awe.example"),
        ("LOG_LEVEL", "loud"),
        ("AWE_ENV", "staging"),
        ("AWE_MAX_CONCURRENT_EXECUTIONS", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        load_environment()
    assert variable in str(caught.value)
    assert "hush-hush" not in str(caught.value)


def test_secrets_are_made_once_and_for_the_owners_eyes(tmp_path: Path) -> None:
    first, second = load_environment(), load_environment()
    assert (first.secret_key, first.jwt_secret_key) == (second.secret_key, second.jwt_secret_key)
    assert first.secret_key != first.jwt_secret_key
    assert len(first.secret_key.encode()) >= 32
    made = sorted((tmp_path / "data").iterdir())
    assert [path.name for path in made] == ["jwt_secret_key", "secret_key"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o600, 0o600]


def test_processes_that_start_together_agree_on_the_secrets() -> None:
    with ThreadPoolExecutor(8) as pool:
        environments = list(pool.map(lambda _: load_environment(), range(16)))
    assert len({(e.secret_key, e.jwt_secret_key) for e in environments}) == 1


def test_a_damaged_secret_is_refused_not_replaced(tmp_path: Path) -> None:
    load_environment()
    (tmp_path / "data/secret_key").write_text("short")
    with pytest.raises(ValueError, match="secret_key holds no secret"):
        load_environment()


@pytest.mark.parametrize("variable", ["SECRET_KEY", "JWT_SECRET_KEY"])
@pytest.mark.parametrize(
    "value",
    ["tiny-one", "a" * 64, "your-secret-key-here-your-secret-key-here", "change-me-please-0123456789abcdef0123456789"],
)
def test_production_refuses_short_and_sample_secrets(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert load_environment().env == "development"
    monkeypatch.setenv("AWE_ENV", "production")
    with pytest.raises(ValidationError) as caught:
        load_environment()
    assert variable in str(caught.value)
    assert value not in str(caught.value)


def test_production_takes_good_secrets_and_makes_missing_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWE_ENV", "production")
    monkeypatch.setenv("SECRET_KEY", GOOD)
    environment = load_environment()
    assert environment.secret_key == GOOD
    assert len(environment.jwt_secret_key) == 64


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hush-hush@h/d")
    environment = load_environment()
    for secret in (environment.secret_key, environment.jwt_secret_key, "hush-hush"):
        assert secret not in repr(environment)
