"""What the operator sets by environment variables. The only place that reads the environment."""

import os
import re
import secrets
import shlex
import tempfile
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MIN_SECRET_BYTES = 32
_SAMPLES = ("secret", "change", "example", "sample", "your-", "your_", "password", "default", "placeholder", "insecure")
_HOST_AND_PORT = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):(\d{1,5})$")


def _named(variable: str, name: str) -> AliasChoices:
    """The variable's name in the environment first, so that error messages say that one."""
    return AliasChoices(variable, name)


class Environment(BaseSettings):
    """Everything that can be set from outside; ``load_environment`` makes it. Secrets never show in ``repr``."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, hide_input_in_errors=True, extra="ignore")

    env: Literal["development", "production"] = Field(default="development", validation_alias=_named("AWE_ENV", "env"))
    data_dir: Path = Field(default=Path("data"), validation_alias=_named("AWE_DATA_DIR", "data_dir"))
    """Holds everything AWE keeps, SQLite and made secrets included."""
    database_url: str = Field(
        default_factory=lambda data: f"sqlite+aiosqlite:///{data['data_dir'] / 'awe.db'}",
        validation_alias=_named("DATABASE_URL", "database_url"),
        validate_default=True,
        repr=False,
    )
    redis_url: str | None = Field(default=None, validation_alias=_named("REDIS_URL", "redis_url"), repr=False)
    secret_key: str = Field(default="", validation_alias=_named("SECRET_KEY", "secret_key"), repr=False)
    """Seals what is stored (API keys of models)."""
    jwt_secret_key: str = Field(default="", validation_alias=_named("JWT_SECRET_KEY", "jwt_secret_key"), repr=False)
    """Signs access tokens."""
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default_factory=list, validation_alias=_named("CORS_ORIGINS", "cors_origins")
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        default="INFO", validation_alias=_named("LOG_LEVEL", "log_level")
    )
    log_file: Path | None = Field(default=None, validation_alias=_named("LOG_FILE", "log_file"))
    smtp_url: str | None = Field(default=None, validation_alias=_named("SMTP_URL", "smtp_url"), repr=False)
    public_url: str = Field(default="http://localhost:8000", validation_alias=_named("PUBLIC_URL", "public_url"))
    """Where people reach AWE; links in mails begin with it. Without a slash at the end."""
    port: int = Field(default=8000, ge=1, le=65535, validation_alias=_named("PORT", "port"))
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list, validation_alias=_named("AWE_ALLOWED_HOSTS", "allowed_hosts")
    )
    """``host:port`` entries that workflows and models may reach although they are not public addresses."""
    mcp_stdio: Annotated[dict[str, list[str]], NoDecode] = Field(
        default_factory=dict, validation_alias=_named("AWE_MCP_STDIO", "mcp_stdio"), repr=False
    )
    """Programs that users may use as MCP servers: name → command. They run as AWE does; users only say the name."""
    max_concurrent_executions: int = Field(
        default=64, ge=1, validation_alias=_named("AWE_MAX_CONCURRENT_EXECUTIONS", "max_concurrent_executions")
    )
    """Driven at the same time by one process."""
    max_concurrent_per_user: int | None = Field(
        default=None, ge=1, validation_alias=_named("AWE_MAX_CONCURRENT_PER_USER", "max_concurrent_per_user")
    )
    """Of one user, by all processes together; None: as many as fit."""
    max_concurrent_total: int | None = Field(
        default=None, ge=1, validation_alias=_named("AWE_MAX_CONCURRENT_TOTAL", "max_concurrent_total")
    )
    """By all processes on one PostgreSQL together; None: as many as they take."""
    keep_executions_days: int = Field(
        default=0, ge=0, le=36_500, validation_alias=_named("AWE_KEEP_EXECUTIONS_DAYS", "keep_executions_days")
    )
    """Executions that ended longer ago are deleted; 0 keeps them for ever."""
    max_upload_mb: int = Field(
        default=50, ge=1, le=10_000, validation_alias=_named("AWE_MAX_UPLOAD_MB", "max_upload_mb")
    )
    """Of one file that a user keeps here."""
    max_user_files_mb: int = Field(
        default=1000, ge=1, validation_alias=_named("AWE_MAX_USER_FILES_MB", "max_user_files_mb")
    )
    """Of all files of one user together."""
    chroma_url: str | None = Field(default=None, validation_alias=_named("CHROMA_URL", "chroma_url"))
    """A Chroma server for collections and memories; None: a folder in ``data_dir``, for one process."""

    @field_validator("data_dir", "log_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path and path.expanduser().absolute()

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, level: object) -> object:
        return level.upper() if isinstance(level, str) else level

    @field_validator("cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_have_ports(cls, hosts: list[str]) -> list[str]:
        for host in hosts:
            match = _HOST_AND_PORT.match(host)
            if not match or not 0 < int(match[2]) < 65536:
                raise ValueError(f"{host!r} is not host:port, such as localhost:11434")
        return [host.lower() for host in hosts]

    @field_validator("mcp_stdio", mode="before")
    @classmethod
    def _programs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        entries = [entry.strip() for entry in value.split(";") if entry.strip()]
        pairs = [entry.partition("=") for entry in entries]
        return {name.strip(): shlex.split(command) for name, _is, command in pairs}

    @field_validator("mcp_stdio")
    @classmethod
    def _programs_have_names(cls, programs: dict[str, list[str]]) -> dict[str, list[str]]:
        for name, command in programs.items():
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", name) or not command:
                raise ValueError("must be name=command; name=command, such as docs=mcp-server-files /srv/docs")
        return programs

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if origin == "*":
                raise ValueError("'*' would let every site act for signed-in people: name the origins")
            if not re.match(r"^https?://[^/\s]+/?$", origin):
                raise ValueError(f"{origin!r} is not an origin, such as https://app.example.org")
        return [origin.rstrip("/") for origin in origins]

    @field_validator("chroma_url")
    @classmethod
    def _chroma_is_a_server(cls, url: str | None) -> str | None:
        if url is not None and not re.match(r"^https?://[^/@\s]+/?$", url):
            raise ValueError("must be the address of a Chroma server without a path, such as http://chroma:8000")
        return url and url.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _url_without_slash(cls, url: str) -> str:
        if not re.match(r"^https?://[^/\s]", url):
            raise ValueError("must begin with http:// or https://, such as https://awe.example.org")
        return url.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        url = re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", url)
        url = re.sub(r"^sqlite://", "sqlite+aiosqlite://", url)
        if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError("must begin with postgresql+asyncpg:// or sqlite+aiosqlite:///")
        if url.startswith("sqlite") and (url.endswith("///") or ":memory:" in url):
            raise ValueError("must name a file: what is only in memory is lost at the next start")
        return url

    @model_validator(mode="after")
    def _production_needs_real_secrets(self) -> Self:
        if self.env == "production":
            for variable, value in (("SECRET_KEY", self.secret_key), ("JWT_SECRET_KEY", self.jwt_secret_key)):
                weakness = value and _weakness(value)
                if weakness:
                    fix = "set 32 random bytes (openssl rand -hex 32), or leave it unset and AWE makes one"
                    raise ValueError(f"{variable} {weakness}; {fix}")
        return self


def load_environment() -> Environment:
    """Read the environment, and make the secrets it does not set, once, in ``data_dir`` (mode 600).

    Raises pydantic's ValidationError, which names each wrong variable and never shows its value.
    """
    environment = Environment()
    made = {
        name: getattr(environment, name) or _secret_from(environment.data_dir / name)
        for name in ("secret_key", "jwt_secret_key")
    }
    return environment.model_copy(update=made)


def _weakness(secret: str) -> str | None:
    if len(secret.encode()) < MIN_SECRET_BYTES:
        return f"is shorter than {MIN_SECRET_BYTES} bytes"
    if len(set(secret)) < 8:
        return "repeats a few characters"
    if any(sample in secret.lower() for sample in _SAMPLES):
        return "looks like a sample value"
    return None


def _secret_from(path: Path) -> str:
    """What the file holds; made with 32 random bytes where there is none, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 600
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)  # fails when another process was quicker: then its secret counts
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    secret = path.read_text().strip()
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"{path} holds no secret of at least {MIN_SECRET_BYTES} bytes; delete it to have one made")
    return secret


def prepare_litellm() -> None:
    """Say to litellm, which only listens to the environment while it is imported, to fetch and read nothing."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"  # else it loads a .env file
