"""Settings: defaults < tactics.toml < `TACTICS_SECTION__KEY` environment < flags.

Opens nothing but the configuration file; holds no secret. Where that file is, `home.py` knows.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from tactics.clock import is_timezone
from tactics.cron import parse_cron
from tactics.errors import ConfigError

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def _known_timezone(name: str) -> str:
    if not is_timezone(name):
        raise ValueError(f"unknown time zone {name!r}, use an IANA name such as Europe/Vienna")
    return name


TimeZone = Annotated[str, AfterValidator(_known_timezone)]


def _known_schedule(text: str) -> str:
    if text != "off":
        parse_cron(text)
    return text


Schedule = Annotated[str, AfterValidator(_known_schedule)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TransportSettings(_Section):
    """How requests leave the machine."""

    connect_timeout_seconds: float = Field(10, gt=0, description="until the connection stands")
    read_timeout_seconds: float = Field(60, gt=0, description="between two pieces of a response")
    total_timeout_seconds: float = Field(300, gt=0, description="for one whole response")
    max_response_bytes: int = Field(64 * 2**20, gt=0, description="as sent, compressed or not")
    max_body_bytes: int = Field(128 * 2**20, gt=0, description="after decompression")
    max_retries: int = Field(3, ge=0, le=10, description="after the first try; waits 1 s, 2 s, 4 s")
    trust_env: bool = Field(default=False, description="use HTTP(S)_PROXY of the environment")


class BreakerSettings(_Section):
    """When a source or sink is left alone."""

    failure_threshold: int = Field(5, ge=1, description="failed attempts in a row that open it")
    cooldown_seconds: float = Field(300, gt=0, description="how long it stays open")


class QueueSettings(_Section):
    """Retry queue and dead letters."""

    max_retries: int = Field(3, ge=0, description="failed retries before a row is a dead letter")
    auto_redrive: bool = Field(
        default=True, description="retry transient dead letters once the sink heals"
    )
    cache_days: int = Field(7, ge=1, description="how long raw pages stay in tactics.db")


class BusSettings(_Section):
    """The event log between the stages."""

    high_watermark: int = Field(
        10_000,
        ge=10,
        description="events a stage may be behind; then fetching slows, at twice it waits",
    )


class DaemonSettings(_Section):
    """`tactics daemon run`."""

    schedule: Schedule = Field(
        "*/30 * * * *",
        description="when sources without their own are due: cron, UTC; `off`: by hand",
    )
    port: int = Field(8737, ge=0, le=65535, description="on this machine only; 0: any free one")
    heartbeat_seconds: float = Field(20, gt=0, le=300, description="between two signs of life")
    drain_seconds: float = Field(30, gt=0, description="for what is going on to end at a stop")
    stall_seconds: float = Field(
        1800, gt=0, description="without any progress: a run is ended and started again later"
    )


class LakeSettings(_Section):
    """Iceberg tables."""

    bronze_days: int = Field(90, ge=1, description="retention of raw pages")
    silver_days: int = Field(365, ge=31, description="retention of typed rows")
    keep_snapshots: int = Field(20, ge=2, description="snapshots kept per table")
    memory_limit: str = Field(
        "1GB",
        pattern=r"^\d+(MB|GB)$",
        description="of the DuckDB that types pages, which takes some 15 times the largest one",
    )


class GoldSettings(_Section):
    """DuckDB generations."""

    keep_generations: int = Field(3, ge=2, description="published files kept for slow readers")
    memory_limit: str = Field(
        "320MB",
        pattern=r"^\d+(MB|GB)$",
        description="of the DuckDB that builds gold, checks silver and answers SQL; beyond it, a scratch folder",
    )
    threads: int = Field(2, ge=1, le=64, description="of each DuckDB connection, to silver too")


class FxSettings(_Section):
    """Exchange rates: without them, amounts in a foreign currency are left out, never added."""

    ecb_rates_file: Path | None = Field(
        None,
        description="the ECB's reference rates, eurofxref-hist.csv, kept up to date by you; absolute path",
    )

    @field_validator("ecb_rates_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        path = path and path.expanduser()
        if path is not None and not path.is_absolute():
            raise ValueError(f"wants an absolute path, got {str(path)!r}")
        return path


class GuardSettings(_Section):
    """DataGuard."""

    disabled: tuple[str, ...] = Field((), description="names of checks that do not run")
    credit_percent: float = Field(1, ge=0, description="negative spend tolerated, % of the spend")


class PacingSettings(_Section):
    """Bands of the pacing status, % off plan (DOMAIN: status thresholds)."""

    watch_percent: float = Field(5, gt=0)
    warn_percent: float = Field(10, gt=0)
    critical_percent: float = Field(15, gt=0)
    broken_percent: float = Field(30, gt=0)
    min_elapsed_days: int = Field(3, ge=0, description="before that the status is `too_early`")

    @model_validator(mode="after")
    def _ascending(self) -> "PacingSettings":
        bands = (self.watch_percent, self.warn_percent, self.critical_percent, self.broken_percent)
        if list(bands) != sorted(bands):
            raise ValueError(f"bands must ascend, got {bands}")
        return self


AlertLevel = Literal["off", "info", "warning", "critical"]
MailAddress = Annotated[str, StringConstraints(pattern=r"^[^\s<>@,;]+@[^\s<>@,;]+$")]
HttpAddress = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+(/\S*)?$")]
QuietHours = Annotated[
    str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")
]


class AlertSettings(_Section):
    """Who is told what, and when. A channel is "off", or told from this severity on: "info", "warning" or "critical"."""

    log: AlertLevel = Field("info", description="alerts.log in the home, JSON lines")
    webhook: AlertLevel = Field(
        "off", description="its address is a secret: `tactics auth set alerts webhook url`"
    )
    webhook_format: Literal["slack", "json"] = Field(
        "slack", description="slack (also Mattermost, Discord with /slack), or json"
    )
    email: AlertLevel = "off"
    email_from: MailAddress | None = Field(None, description="the sender's address")
    email_to: tuple[MailAddress, ...] = Field((), description="who gets it")
    smtp_host: str | None = Field(None, min_length=1, description="the server that takes the mail")
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "ssl", "none"] = Field(
        "starttls",
        description="ssl: encrypted from the start, port 465; none: never with a password",
    )
    smtp_user: str | None = Field(
        None, description="signs in with `tactics auth set alerts smtp password`"
    )
    desktop: AlertLevel = Field("off", description="a notification on this machine's screen")
    repeat_hours: float = Field(
        24, ge=0, description="an alert that nobody acknowledged is told again; 0: never"
    )
    quiet_hours: QuietHours | None = Field(
        None, description='as "22:00-07:00": only what is critical is told at once'
    )
    quiet_timezone: TimeZone = Field("UTC", description="of the quiet hours")
    heartbeat_url: HttpAddress | None = Field(
        None, description="asked for after each good sync: a dead man's switch such as healthchecks"
    )
    timeout_seconds: float = Field(10, gt=0, le=30, description="for one message on one channel")
    log_max_bytes: int = Field(
        2**20, ge=4096, description="then alerts.log becomes alerts.log.1, up to three of them"
    )


class HealthSettings(_Section):
    """What `tactics health` calls late, low or too much."""

    sync_hours: float = Field(26, gt=0, description="a sync is expected at least this often")
    stale_fail_hours: float = Field(
        48, gt=0, description="data this much later than expected is a failure, before it a warning"
    )
    queue_warn_minutes: float = Field(
        15, gt=0, description="a write that waits longer for its retry is a warning"
    )
    queue_fail_hours: float = Field(24, gt=0, description="and one that waits so long a failure")
    disk_warn_bytes: int = Field(2 * 2**30, ge=0, description="less free space is a warning")
    disk_fail_bytes: int = Field(2**28, ge=0, description="and less than this a failure")
    credential_days: int = Field(
        30, ge=1, description="so long before its end a credential with a known life is a warning"
    )


class SourceSettings(BaseModel):
    """One connection. Keys a vendor adds are checked by its connector's `Options`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: Identifier | None = Field(None, description="the connector, if not the table's name")
    enabled: bool = True
    accounts: tuple[str, ...] = Field((), description="account ids; see docs/connectors")
    base_url: str | None = Field(None, description="another host: a proxy or the sandbox")
    history_days: int = Field(90, ge=1, description="how far back the first sync reads")
    lookback_days: int | None = Field(None, ge=0, description="days read again on every sync")
    schedule: Schedule | None = Field(
        None, examples=["15 6 * * *"], description="when the daemon asks it: cron, UTC, or `off`"
    )


class OrgSettings(_Section):
    """One organisation: nothing is summed across two of them."""

    name: str
    currency: Currency
    timezone: TimeZone
    sources: dict[Identifier, SourceSettings] = Field(default_factory=dict)


class Settings(_Section):
    """All of tactics.toml."""

    transport: TransportSettings = TransportSettings()
    breakers: BreakerSettings = BreakerSettings()
    queue: QueueSettings = QueueSettings()
    bus: BusSettings = BusSettings()
    daemon: DaemonSettings = DaemonSettings()
    lake: LakeSettings = LakeSettings()
    gold: GoldSettings = GoldSettings()
    fx: FxSettings = FxSettings()
    guard: GuardSettings = GuardSettings()
    pacing: PacingSettings = PacingSettings()
    health: HealthSettings = HealthSettings()
    alerts: AlertSettings = AlertSettings()
    orgs: dict[Identifier, OrgSettings] = Field(default_factory=dict)


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `path` with the environment laid over them.

    Raises:
        ConfigError: the file is missing, is not TOML, or a value is refused.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            "no configuration", hint="run `tactics init`, or name a file with --config", path=path
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        hint = "mend that place; `tactics init --print` shows a good one"
        raise ConfigError("the configuration cannot be read", hint=hint, path=path) from exc
    for name, text in sorted(environment.items()):
        if name.startswith("TACTICS_") and "__" in name:
            _lay_over(data, name.removeprefix("TACTICS_").lower().split("__"), text)
    try:
        return Settings.model_validate(data)
    except ValidationError as exc:
        raise ConfigError(_first_problem(exc), hint=f"edit {path}") from None  # it quotes values


def _lay_over(data: dict[str, Any], keys: list[str], text: str) -> None:
    *parents, last = keys
    for key in parents:
        section: object = data.setdefault(key, {})
        if not isinstance(section, dict):
            name = "TACTICS_" + "__".join(keys).upper()
            raise ConfigError(f"{key} is no section", hint=f"correct or unset {name}")
        data = section
    try:
        data[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        data[last] = text


def _first_problem(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, item['loc']))}: {_in_our_words(item['msg'])}"
        for item in error.errors(include_input=False, include_url=False)
    ]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return problems[0] + more


def _in_our_words(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
