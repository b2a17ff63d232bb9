"""All settings, read once and passed down as values: no other module reads the environment."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SECRET_BYTES = 32


class ConfigurationError(Exception):
    """The installation is set up wrongly; the message is one line and says what to do."""


class DatabaseAway(ConfigurationError):
    """Nothing answers at the database's address, or not yet: a wrong address, or a server that is just restarting."""


class Settings(BaseSettings):
    """The installation's settings, by environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    environment: Literal["development", "production"] = "development"
    port: int = Field(default=8000, ge=1, le=65535, description="PORT: where the API listens on the loopback.")
    host: str = "127.0.0.1"
    data: Path = Field(default=Path(".data"), description="DATA: the folder of everything that is kept.")
    database_url: str | None = Field(default=None, repr=False)
    database_feed_url: str | None = Field(default=None, repr=False)
    database_ops_url: str | None = Field(default=None, repr=False)
    database_owner_url: str | None = Field(default=None, repr=False)
    redis_url: str | None = Field(default=None, repr=False)
    redis: bool = Field(default=True, description="REDIS=off runs without Redis: everything works, by polling.")
    object_store_url: str | None = Field(
        default=None, description="OBJECT_STORE_URL: s3://bucket/prefix, private; without it photos lie under DATA."
    )
    object_store_endpoint: str | None = Field(
        default=None, description="OBJECT_STORE_ENDPOINT: where an S3-compatible store other than Amazon's answers."
    )
    object_store_region: str | None = None
    object_store_key_id: str | None = Field(default=None, repr=False)
    object_store_secret: str | None = Field(default=None, repr=False)
    secret_key: str | None = Field(default=None, repr=False, description="SECRET_KEY: 32 bytes, base64url.")
    stripe_url: str | None = Field(
        default=None, description="STRIPE_URL: where the sandbox of payments answers; in development alone."
    )
    stripe_key: str | None = Field(
        default=None, repr=False, description="STRIPE_KEY: of the platform's own account, which bills the plans."
    )
    stripe_webhook_secrets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), repr=False, description="STRIPE_WEBHOOK_SECRETS: of /webhooks/platform, separated by commas."
    )
    stripe_calls_a_second: float = Field(
        default=20.0,
        ge=0,
        le=1000,
        description="STRIPE_CALLS_A_SECOND: of one account, in one worker; 0 for no limit. Stripe takes 25 of tests.",
    )
    sign_ups_an_address: int = Field(
        default=5, ge=1, description="SIGN_UPS_AN_ADDRESS: businesses that one network address may found at once."
    )
    visits_an_address: int = Field(
        default=100,
        ge=1,
        description="VISITS_AN_ADDRESS: quotes and look-ups for bookings that one network address may ask for at once.",
    )
    return_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="RETURN_ORIGINS: other origins whose pages customers may come back to from their bank's.",
    )
    plan_grace_days: int = Field(
        default=7, ge=0, le=90, description="PLAN_GRACE_DAYS: how long an unpaid business can still be changed."
    )
    geocoder_url: str | None = Field(
        default=None,
        description="GEOCODER_URL: a server with Nominatim's search, which knows where addresses are (R27).",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="ALLOWED_ORIGINS: pages of other origins that may call, separated by commas."
    )
    pool_size: int = Field(default=10, ge=2, le=100)
    poll_seconds: float = Field(default=1.0, gt=0)
    heartbeat_seconds: float = Field(default=5.0, gt=0)
    stall_seconds: float = Field(default=10.0, gt=0, description="STALL_SECONDS: who reads nothing for so long is cut.")
    sockets_a_person: int = Field(
        default=20, ge=1, description="SOCKETS_A_PERSON: open websockets of one person in one process."
    )
    sockets_a_tenant: int = Field(default=10_000, ge=1, description="SOCKETS_A_TENANT: the same of one business.")
    sockets_an_address: int = Field(
        default=10_000, ge=1, description="SOCKETS_AN_ADDRESS: the same from one network address."
    )
    log_format: Literal["console", "json"] = "console"
    public_url: str | None = None

    @field_validator("allowed_origins", "return_origins", "stripe_webhook_secrets", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("stripe_url")
    @classmethod
    def _sandbox_of_development(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Production pays for real, or not at all."""
        if value is not None and info.data.get("environment") == "production":
            raise ValueError("production uses no sandbox of payments: leave it out")
        return None if value is None else value.rstrip("/")

    @classmethod
    def read(cls, **given: object) -> Self:
        """The settings from the environment, and from what the command line gives; `ConfigurationError` in one line."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]).upper()
            raise ConfigurationError(f"The setting {name} is not right: {first['msg']}.") from None

    @property
    def has_servers(self) -> bool:
        """Whether real database servers are named, so that nothing is brought up here."""
        return self.database_url is not None

    @property
    def base_url(self) -> str:
        """What people's browsers find this installation by, without a slash at its end."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def is_development_unsaid(self) -> bool:
        """Whether real servers are named and ENVIRONMENT is not: likely an installation that should be production."""
        return self.has_servers and "environment" not in self.model_fields_set

    def key(self) -> bytes:
        """The installation's secret: from the setting, or in development one made and kept in the data folder."""
        if self.secret_key is not None:
            return _decoded(self.secret_key)
        if self.environment == "production":
            raise ConfigurationError("Set SECRET_KEY to 32 random bytes in base64url; production makes none itself.")
        return _kept_key(self.data / "secret.key")


@dataclass(frozen=True, slots=True)
class Keys:
    """What is derived from the installation's secret for separate uses."""

    hashing: bytes
    signing: bytes
    sealing: bytes

    @classmethod
    def derive(cls, key: bytes) -> Self:
        """Independent keys: for keyed hashes, to seed the token signature, and to seal the keys of people's secrets."""
        uses = (b"hashing", b"signing", b"sealing")
        return cls(*(hashlib.blake2b(use, key=key, digest_size=32).digest() for use in uses))


def _decoded(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        key = b""
    if len(key) != SECRET_BYTES:
        raise ConfigurationError("SECRET_KEY must be 32 bytes in base64url.")
    return key


def _kept_key(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode())
        except FileExistsError:
            pass
        return _decoded(path.read_text().strip())
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write to {path.parent}: name another folder with DATA= ({error.strerror})."
        ) from error
