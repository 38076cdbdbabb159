"""The tables of the lake: columns, partitions, properties, retention.

Types are written as DuckDB writes them, because DuckDB reads and writes the rows. Opens nothing.
"""

from dataclasses import dataclass
from typing import Literal

from tactics.errors import NotFoundError

Columns = tuple[tuple[str, str], ...]
Transform = Literal["identity", "month"]


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table. `retention` names the setting that bounds its age; None keeps rows for ever."""

    namespace: Literal["bronze", "silver"]
    name: str
    columns: Columns
    partitions: tuple[tuple[str, Transform], ...]
    retention: Literal["bronze_days", "silver_days"] | None
    properties: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """Return the column names, in order."""
        return [name for name, _ in self.columns]


# Commits stay cheap for ever only with these: small manifests are merged, full ones (about 350
# files) are left alone, and old metadata files go with each commit.
COMMON_PROPERTIES = (
    ("format-version", "2"),
    ("commit.manifest-merge.enabled", "true"),
    ("commit.manifest.min-count-to-merge", "16"),
    ("commit.manifest.target-size-bytes", str(128 * 1024)),
    ("commit.retry.num-retries", "0"),  # one committer: a conflict is told, not fought
    ("write.metadata.delete-after-commit.enabled", "true"),
    ("write.metadata.previous-versions-max", "5"),
    ("write.parquet.compression-codec", "zstd"),
    ("write.parquet.compression-level", "1"),
    # What a scan filters on keeps whole bounds: names cut at 16 letters make neighbours overlap.
    ("write.metadata.metrics.column.source", "full"),
    ("write.metadata.metrics.column.stream", "full"),
    ("write.metadata.metrics.column.account_id", "full"),
)
BRONZE_ROW_GROUP = 16

PAGES = TableSpec(
    "bronze",
    "pages",
    (
        ("log_seq", "BIGINT"),
        ("org_id", "VARCHAR"),
        ("source", "VARCHAR"),
        ("account_id", "VARCHAR"),
        ("stream", "VARCHAR"),
        ("request_id", "VARCHAR"),
        ("window_start", "DATE"),
        ("window_end", "DATE"),
        ("page", "INTEGER"),
        ("date", "DATE"),
        ("fetched_at", "TIMESTAMPTZ"),
        ("api_version", "VARCHAR"),
        ("request", "VARCHAR"),
        ("payload", "VARCHAR"),
        ("payload_sha256", "VARCHAR"),
        ("payload_bytes", "BIGINT"),
    ),
    (("org_id", "identity"), ("date", "identity")),
    "bronze_days",
    (
        ("write.parquet.row-group-limit", str(BRONZE_ROW_GROUP)),
        ("write.metadata.metrics.column.payload", "none"),
        ("write.metadata.metrics.column.payload_sha256", "none"),
        ("write.metadata.metrics.column.request", "none"),
    ),
)

_HEAD: Columns = (
    ("org_id", "VARCHAR"),
    ("source", "VARCHAR"),
    ("account_id", "VARCHAR"),
    ("stream", "VARCHAR"),
    ("entity_id", "VARCHAR"),
    ("date", "DATE"),
)
_TAIL: Columns = (
    ("quality_score", "INTEGER"),
    ("finality", "VARCHAR"),
    ("fetched_at", "TIMESTAMPTZ"),
    ("request_id", "VARCHAR"),
    ("log_seq", "BIGINT"),
)
_BY_MONTH: tuple[tuple[str, Transform], ...] = (("org_id", "identity"), ("date", "month"))


def _silver(
    name: str, columns: Columns, retention: Literal["silver_days"] | None = "silver_days"
) -> TableSpec:
    return TableSpec("silver", name, (*_HEAD, *columns, *_TAIL), _BY_MONTH, retention)


AD_PERFORMANCE = _silver(
    "ad_performance",
    (
        ("campaign_id", "VARCHAR"),
        ("campaign_name", "VARCHAR"),
        ("channel", "VARCHAR"),
        ("impressions", "BIGINT"),
        ("clicks", "BIGINT"),
        ("spend", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
        ("conversions", "DECIMAL(15,4)"),
        ("conversion_value", "DECIMAL(15,2)"),
        ("video_views", "BIGINT"),
        ("timezone", "VARCHAR"),
    ),
)
TRANSACTIONS = _silver(
    "transactions",
    (
        ("txn_id", "VARCHAR"),
        ("created_at", "TIMESTAMPTZ"),
        ("available_on", "DATE"),
        ("type", "VARCHAR"),
        ("reporting_category", "VARCHAR"),
        ("status", "VARCHAR"),
        ("source_id", "VARCHAR"),
        ("amount_minor", "BIGINT"),
        ("fee_minor", "BIGINT"),
        ("net_minor", "BIGINT"),
        ("amount", "DECIMAL(18,3)"),
        ("fee", "DECIMAL(18,3)"),
        ("net", "DECIMAL(18,3)"),
        ("currency", "VARCHAR"),
        ("exchange_rate", "DOUBLE"),
        ("payout_id", "VARCHAR"),
        ("order_ref", "VARCHAR"),
    ),
)
# Bookings and deals are state, read whole each time: their `date` says when a flight starts, not
# how old the row is, so age retires none of them.
BOOKINGS = _silver(
    "bookings",
    (
        ("booking_id", "VARCHAR"),
        ("client", "VARCHAR"),
        ("campaign", "VARCHAR"),
        ("campaign_id", "VARCHAR"),
        ("platform", "VARCHAR"),
        ("channel", "VARCHAR"),
        ("flight_start", "DATE"),
        ("flight_end", "DATE"),
        ("booked_impressions", "BIGINT"),
        ("booking_revenue", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
        ("status", "VARCHAR"),
        ("make_good_for", "VARCHAR"),
        ("sheet_row", "INTEGER"),
        ("extras", "VARCHAR"),
    ),
    None,
)
CRM_DEALS = _silver(
    "crm_deals",
    (
        ("deal_id", "VARCHAR"),
        ("company", "VARCHAR"),
        ("deal_stage", "VARCHAR"),
        ("amount", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
        ("probability", "DECIMAL(5,4)"),
        ("expected_close", "DATE"),
        ("created_on", "DATE"),
        ("updated_on", "DATE"),
        ("owner", "VARCHAR"),
        ("booking_id", "VARCHAR"),
    ),
    None,
)
QUARANTINE = TableSpec(
    "silver",
    "quarantine",
    (
        ("org_id", "VARCHAR"),
        ("source", "VARCHAR"),
        ("account_id", "VARCHAR"),
        ("stream", "VARCHAR"),
        ("table_name", "VARCHAR"),
        ("rule", "VARCHAR"),
        ("request_id", "VARCHAR"),
        ("date", "DATE"),
        ("record", "VARCHAR"),
        ("fetched_at", "TIMESTAMPTZ"),
        ("log_seq", "BIGINT"),
        ("position", "BIGINT"),
    ),
    _BY_MONTH,
    "silver_days",
)

TABLES = {
    spec.name: spec
    for spec in (PAGES, AD_PERFORMANCE, TRANSACTIONS, BOOKINGS, CRM_DEALS, QUARANTINE)
}


def find_table(name: str) -> TableSpec:
    """Return the table called `name`, with or without its namespace.

    Raises:
        NotFoundError: the lake has no such table.
    """
    namespace, _, short = name.rpartition(".")
    spec = TABLES.get(short)
    if spec is None or namespace not in {"", spec.namespace}:
        raise NotFoundError("no such table in the lake", table=name, hint=", ".join(TABLES))
    return spec
