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
# What a platform itself says of a whole account and day: never added to ad_performance, only compared.
AD_ACCOUNT_TOTALS = _silver(
    "ad_account_totals",
    (
        ("currency", "VARCHAR"),
        ("impressions", "BIGINT"),
        ("clicks", "BIGINT"),
        ("spend", "DECIMAL(15,2)"),
        ("conversions", "DECIMAL(15,4)"),
        ("conversion_value", "DECIMAL(15,2)"),
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
_BOOKING: Columns = (
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
    ("goal", "VARCHAR"),
    ("booked_clicks", "BIGINT"),
    ("booked_views", "BIGINT"),
    ("booked_conversions", "DECIMAL(15,4)"),
    ("booked_spend", "DECIMAL(15,2)"),
    ("start_share", "DECIMAL(9,8)"),
    ("hiatus", "VARCHAR"),
    ("plan", "VARCHAR"),
)
BOOKINGS = _silver("bookings", _BOOKING, None)
# The same rows as they stood on each day on which the sheet was read; `date` is that day.
BOOKINGS_HISTORY = _silver("bookings_history", _BOOKING)
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
WEB_TRAFFIC = _silver(
    "web_traffic",
    (
        ("channel_group", "VARCHAR"),
        ("traffic_source", "VARCHAR"),
        ("medium", "VARCHAR"),
        ("campaign", "VARCHAR"),
        ("sessions", "BIGINT"),
        ("engaged_sessions", "BIGINT"),
        ("users", "BIGINT"),
        ("new_users", "BIGINT"),
        ("page_views", "BIGINT"),
        ("key_events", "DECIMAL(15,4)"),
        ("purchases", "BIGINT"),
        ("purchase_revenue", "DECIMAL(15,2)"),
        ("total_revenue", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
        ("timezone", "VARCHAR"),
        ("is_sampled", "BOOLEAN"),
        ("is_thresholded", "BOOLEAN"),
        ("has_other_row", "BOOLEAN"),
    ),
)
# Grains are never mixed: `report` says which one a row has (site, page, query, query_page). Columns
# that the report does not have are NULL.
SEARCH_PERFORMANCE = _silver(
    "search_performance",
    (
        ("search_type", "VARCHAR"),
        ("report", "VARCHAR"),
        ("query", "VARCHAR"),
        ("page_url", "VARCHAR"),
        ("country", "VARCHAR"),
        ("device", "VARCHAR"),
        ("clicks", "BIGINT"),
        ("impressions", "BIGINT"),
        ("average_position", "DECIMAL(9,4)"),
        ("position_weight", "DECIMAL(18,4)"),
        ("aggregation", "VARCHAR"),
        ("is_final", "BOOLEAN"),
        ("is_truncated", "BOOLEAN"),
    ),
)
# What Google says of a property's sitemaps and of chosen pages on the day on which it was asked.
SITEMAPS = _silver(
    "sitemaps",
    (
        ("path", "VARCHAR"),
        ("type", "VARCHAR"),
        ("is_pending", "BOOLEAN"),
        ("is_index", "BOOLEAN"),
        ("errors", "BIGINT"),
        ("warnings", "BIGINT"),
        ("submitted_urls", "BIGINT"),
        ("last_submitted", "TIMESTAMPTZ"),
        ("last_downloaded", "TIMESTAMPTZ"),
    ),
)
URL_INSPECTIONS = _silver(
    "url_inspections",
    (
        ("page_url", "VARCHAR"),
        ("verdict", "VARCHAR"),
        ("coverage_state", "VARCHAR"),
        ("indexing_state", "VARCHAR"),
        ("robots_state", "VARCHAR"),
        ("fetch_state", "VARCHAR"),
        ("last_crawl", "TIMESTAMPTZ"),
        ("google_canonical", "VARCHAR"),
        ("user_canonical", "VARCHAR"),
        ("crawled_as", "VARCHAR"),
    ),
)
# What a shop keeps of an order as it is now: `date` is the day it was processed, in the shop's time zone.
ORDERS = _silver(
    "orders",
    (
        ("order_id", "VARCHAR"),
        ("order_name", "VARCHAR"),
        ("created_at", "TIMESTAMPTZ"),
        ("processed_at", "TIMESTAMPTZ"),
        ("updated_at", "TIMESTAMPTZ"),
        ("cancelled_at", "TIMESTAMPTZ"),
        ("customer_id", "VARCHAR"),
        ("is_first_order", "BOOLEAN"),
        ("financial_status", "VARCHAR"),
        ("fulfillment_status", "VARCHAR"),
        ("is_test", "BOOLEAN"),
        ("source_name", "VARCHAR"),
        ("gateways", "VARCHAR"),
        ("utm_source", "VARCHAR"),
        ("utm_medium", "VARCHAR"),
        ("utm_campaign", "VARCHAR"),
        ("gross", "DECIMAL(15,2)"),
        ("discounts", "DECIMAL(15,2)"),
        ("tax", "DECIMAL(15,2)"),
        ("shipping", "DECIMAL(15,2)"),
        ("total", "DECIMAL(15,2)"),
        ("refunded", "DECIMAL(15,2)"),
        ("net_payment", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
        ("presentment_total", "DECIMAL(15,2)"),
        ("presentment_currency", "VARCHAR"),
        ("units", "INTEGER"),
    ),
)
ORDER_REFUNDS = _silver(
    "order_refunds",
    (
        ("refund_id", "VARCHAR"),
        ("order_id", "VARCHAR"),
        ("created_at", "TIMESTAMPTZ"),
        ("processed_at", "TIMESTAMPTZ"),
        ("amount", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
    ),
)
CUSTOMERS = _silver(
    "customers",
    (
        ("customer_id", "VARCHAR"),
        ("email_hash", "VARCHAR"),
        ("country", "VARCHAR"),
        ("created_at", "TIMESTAMPTZ"),
        ("updated_at", "TIMESTAMPTZ"),
        ("orders_count", "BIGINT"),
        ("amount_spent", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
        ("marketing_state", "VARCHAR"),
        ("tags", "VARCHAR"),
    ),
    None,
)
PRODUCTS = _silver(
    "products",
    (
        ("product_id", "VARCHAR"),
        ("title", "VARCHAR"),
        ("handle", "VARCHAR"),
        ("status", "VARCHAR"),
        ("vendor", "VARCHAR"),
        ("product_type", "VARCHAR"),
        ("min_price", "DECIMAL(15,2)"),
        ("max_price", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
        ("total_inventory", "BIGINT"),
        ("created_at", "TIMESTAMPTZ"),
        ("updated_at", "TIMESTAMPTZ"),
        ("published_at", "TIMESTAMPTZ"),
        ("deleted_at", "TIMESTAMPTZ"),
    ),
    None,
)
EMAIL_PERFORMANCE = _silver(
    "email_performance",
    (
        ("kind", "VARCHAR"),
        ("parent_id", "VARCHAR"),
        ("parent_name", "VARCHAR"),
        ("message_id", "VARCHAR"),
        ("send_channel", "VARCHAR"),
        ("window_start", "DATE"),
        ("window_end", "DATE"),
        ("as_of", "DATE"),
        ("recipients", "BIGINT"),
        ("delivered", "BIGINT"),
        ("opens_unique", "BIGINT"),
        ("clicks_unique", "BIGINT"),
        ("bounced", "BIGINT"),
        ("unsubscribes", "BIGINT"),
        ("spam_complaints", "BIGINT"),
        ("conversions", "BIGINT"),
        ("conversion_value", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
        ("conversion_metric_id", "VARCHAR"),
    ),
)
EMAIL_SUBSCRIBERS = _silver(
    "email_subscribers",
    (
        ("list_id", "VARCHAR"),
        ("list_name", "VARCHAR"),
        ("kind", "VARCHAR"),
        ("profile_count", "BIGINT"),
        ("opt_in_process", "VARCHAR"),
    ),
)
# Revenue attributed to messages by the day of the order. Its numbers never match those of
# email_performance, which go by the day of sending: never mix them.
EMAIL_REVENUE = _silver(
    "email_revenue",
    (
        ("kind", "VARCHAR"),
        ("message_id", "VARCHAR"),
        ("metric_id", "VARCHAR"),
        ("orders", "BIGINT"),
        ("revenue", "DECIMAL(15,2)"),
        ("currency", "VARCHAR"),
    ),
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
    for spec in (
        PAGES,
        AD_PERFORMANCE,
        AD_ACCOUNT_TOTALS,
        WEB_TRAFFIC,
        SEARCH_PERFORMANCE,
        SITEMAPS,
        URL_INSPECTIONS,
        ORDERS,
        ORDER_REFUNDS,
        CUSTOMERS,
        PRODUCTS,
        EMAIL_PERFORMANCE,
        EMAIL_SUBSCRIBERS,
        EMAIL_REVENUE,
        TRANSACTIONS,
        BOOKINGS,
        BOOKINGS_HISTORY,
        CRM_DEALS,
        QUARANTINE,
    )
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
