"""The built-in metrics say what DOMAIN says, in every edge case."""

import pytest

from tactics.duck import Connection
from tactics.metrics import Registry

LINE_TYPES = {
    "booked_impressions": "BIGINT",
    "delivered_impressions": "BIGINT",
    "booking_revenue": "DECIMAL(15,2)",
    "actual_spend": "DECIMAL(15,2)",
    "recent_daily_impressions": "DOUBLE",
    "total_days": "INTEGER",
    "elapsed_days": "INTEGER",
    "flight_start": "DATE",
    "flight_end": "DATE",
    "as_of": "DATE",
    "currency": "VARCHAR",
}
DELIVERY_TYPES = {
    "impressions": "BIGINT",
    "clicks": "BIGINT",
    "spend": "DECIMAL(15,2)",
    "conversions": "DECIMAL(15,4)",
    "conversion_value": "DECIMAL(15,2)",
    "video_views": "BIGINT",
    "currency": "VARCHAR",
}
LINE = {
    "booked_impressions": 1_000_000,
    "delivered_impressions": 300_000,
    "booking_revenue": "5000.00",
    "actual_spend": "1500.00",
    "recent_daily_impressions": 28_000,
    "total_days": 30,
    "elapsed_days": 10,
    "currency": "EUR",
}


def relation(types: dict[str, str], rows: list[dict[str, object]]) -> str:
    """Return a relation of typed rows; what a row leaves out is NULL."""
    selects = [
        "SELECT "
        + ", ".join(
            f"CAST({'NULL' if row.get(name) is None else repr(row[name])} AS {kind}) AS {name}"
            for name, kind in types.items()
        )
        for row in rows
    ]
    return f"({' UNION ALL '.join(selects)})"


@pytest.fixture
def line(registry: Registry, duck: Connection):
    """Return the value of a metric for a line that differs from the usual one."""

    def compute(metric: str, **changes: object) -> float | None:
        rows = relation(LINE_TYPES, [LINE | changes])
        return duck.execute(f"SELECT {registry.compile(metric)} FROM {rows}").fetchall()[0][0]

    return compute


@pytest.fixture
def lines(registry: Registry, duck: Connection):
    """Return the value of a metric for several lines together."""

    def compute(metric: str, *changes: dict[str, object]) -> float | None:
        rows = relation(LINE_TYPES, [LINE | change for change in changes])
        text = registry.compile(metric, aggregate=True)
        return duck.execute(f"SELECT {text} FROM {rows}").fetchall()[0][0]

    return compute


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("pacing_rate", 90),
        ("variance", 700_000),
        ("margin_percent", 70),
        ("expected_impressions", 1_000_000 / 3),
        ("delivery_percent", 30),
        ("elapsed_percent", 100 / 3),
        ("required_daily_impressions", 35_000),
        ("required_vs_recent", 1.25),
        ("ecpm", 5),
    ],
)
def test_line_mid_flight(line, metric: str, value: float):
    """Ten of thirty days, 30 % delivered: the numbers of a line in flight."""
    assert line(metric) == pytest.approx(value)


@pytest.mark.parametrize(
    ("metric", "changes"),
    [
        ("pacing_rate", {"elapsed_days": 0, "delivered_impressions": 0}),  # not started
        ("pacing_rate", {"elapsed_days": 0}),  # delivery before the flight
        ("pacing_rate", {"booked_impressions": 0}),
        ("pacing_rate", {"booked_impressions": None}),
        ("pacing_rate", {"total_days": None, "elapsed_days": None}),
        ("variance", {"booked_impressions": 0}),
        ("variance", {"booked_impressions": None}),
        ("margin_percent", {"booking_revenue": "0.00"}),
        ("margin_percent", {"booking_revenue": None}),
        ("margin_percent", {"actual_spend": None}),
        ("expected_impressions", {"booked_impressions": None}),
        ("delivery_percent", {"booked_impressions": 0}),
        ("delivery_percent", {"booked_impressions": None}),
        ("required_daily_impressions", {"elapsed_days": 30}),  # ended
        ("required_daily_impressions", {"booked_impressions": None}),
        ("required_vs_recent", {"recent_daily_impressions": 0}),
        ("required_vs_recent", {"recent_daily_impressions": None}),
        ("ecpm", {"delivered_impressions": 0}),
    ],
)
def test_unknown_is_null(line, metric: str, changes: dict[str, object]):
    """Not started, unbooked, no revenue: NULL, never infinity and never 0."""
    assert line(metric, **changes) is None


def test_line_not_started(line):
    """Before the flight nothing is expected and every day must deliver its share."""
    changes = {"elapsed_days": 0, "delivered_impressions": 0}
    assert line("expected_impressions", **changes) == 0
    assert line("variance", **changes) == 1_000_000
    assert line("required_daily_impressions", **changes) == pytest.approx(1_000_000 / 30)


def test_line_over_delivered(line):
    """A line that is over needs nothing more, and its variance is negative."""
    changes = {"delivered_impressions": 1_200_000}
    assert line("required_daily_impressions", **changes) == 0
    assert line("variance", **changes) == -200_000


def test_negative_margin(line):
    """Spending more than the client pays is a negative margin."""
    assert line("margin_percent", actual_spend="6000.00") == pytest.approx(-20)


def test_integers_are_not_divided_as_integers(line):
    """A ratio of two BIGINTs keeps its decimals."""
    value = line("delivery_percent", booked_impressions=3, delivered_impressions=1)
    assert value == pytest.approx(100 / 3, rel=1e-15)


def test_pacing_of_several_lines(lines):
    """Pacing of a portfolio is delivered over expected, not a mean of rates."""
    small = {"booked_impressions": 3_000, "delivered_impressions": 2_000}  # 200 %
    expected = (300_000 + 2_000) / (1_000_000 / 3 + 1_000) * 100
    assert lines("pacing_rate", {}, small) == pytest.approx(expected)


def test_pacing_leaves_out_what_has_no_plan(lines):
    """Unbooked and not started lines do not move the pacing of the others."""
    unbooked = {"booked_impressions": None}
    not_started = {"elapsed_days": 0, "delivered_impressions": 5}
    assert lines("pacing_rate", {}, unbooked, not_started) == pytest.approx(90)
    assert lines("delivery_percent", {}, unbooked) == pytest.approx(30)


def test_pacing_without_any_plan(lines):
    """A portfolio without bookings has no pacing."""
    assert lines("pacing_rate", {"booked_impressions": None}) is None


def test_elapsed_of_several_lines(lines):
    """Elapsed is weighted by what is booked."""
    done = {"booked_impressions": 3_000_000, "elapsed_days": 30}
    expected = (1_000_000 / 3 + 3_000_000) / 4_000_000 * 100
    assert lines("elapsed_percent", {}, done) == pytest.approx(expected)


def test_margin_of_several_lines(lines):
    """Margin of a portfolio is over all revenue; spend without revenue lowers it."""
    unplanned = {"booking_revenue": None, "actual_spend": "500.00"}
    assert lines("margin_percent", {}, {}) == pytest.approx(70)
    assert lines("margin_percent", {}, unplanned) == pytest.approx(60)


def test_variance_of_several_lines(lines):
    """Variance adds up over booked lines only."""
    assert lines("variance", {}, {}, {"booked_impressions": None}) == 1_400_000


DAY = {
    "impressions": 20_000,
    "clicks": 400,
    "spend": "100.00",
    "conversions": "8",
    "conversion_value": "250.00",
    "currency": "EUR",
}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("ctr", 0.02),
        ("cpc", 0.25),
        ("cpm", 5),
        ("cpa", 12.5),
        ("roas", 2.5),
        ("conversion_rate", 0.02),
        ("value_per_conversion", 31.25),
    ],
)
def test_delivery(registry: Registry, duck: Connection, metric: str, value: float):
    """A day's ratios, and their NULL when nothing was delivered."""
    nothing = dict.fromkeys(DAY, 0) | {"currency": "EUR"}
    rows = relation(DELIVERY_TYPES, [DAY, nothing])
    query = f"SELECT {registry.compile(metric)} AS result FROM {rows} ORDER BY result NULLS LAST"
    assert duck.execute(query).fetchall() == [(pytest.approx(value),), (None,)]


def test_ratio_of_sums(registry: Registry, duck: Connection):
    """Over days, a ratio is the ratio of sums: a small day does not count like a large one."""
    rows = relation(DELIVERY_TYPES, [DAY, DAY | {"impressions": 100, "clicks": 50}])
    query = f"SELECT {registry.compile('ctr', aggregate=True)} FROM {rows}"
    assert duck.execute(query).fetchall() == [(pytest.approx(450 / 20_100),)]


def test_cost_per_click_keeps_full_precision(registry: Registry, duck: Connection):
    """Money divided is not rounded to cents."""
    rows = relation(DELIVERY_TYPES, [DAY | {"spend": "0.01", "clicks": 3}])
    (value,) = duck.execute(f"SELECT {registry.compile('cpc')} FROM {rows}").fetchall()[0]
    assert value == pytest.approx(0.01 / 3, rel=1e-14)


WEB = {
    "sessions": 200,
    "engaged_sessions": 120,
    "new_users": 50,
    "users": 150,
    "page_views": 500,
    "key_events": "2.5",
    "purchases": 4,
    "purchase_revenue": "90.00",
    "total_revenue": "100.00",
    "currency": "EUR",
}
SEARCH = {"clicks": 100, "impressions": 1000, "position_weight": "4500", "query_clicks": 55}
EMAIL = {
    "recipients": 1020,
    "delivered": 1000,
    "opens_unique": 400,
    "clicks_unique": 50,
    "bounced": 51,
    "unsubscribes": 3,
    "spam_complaints": 1,
    "conversions": 9,
    "conversion_value": "812.40",
    "subscribers": 5000,
    "currency": "EUR",
}
BRIDGE = {
    "gross_sales": "120.00",
    "net_sales": "100.00",
    "total_sales": "110.00",
    "charges": "200.00",
    "residual": "-1.00",
    "stripe_net": "190.00",
    "currency": "EUR",
}
BUSINESS = {
    "spend": "50.00",
    "ad_value": "160.00",
    "email_value": "40.00",
    "claimed_value": "200.00",
    "store_revenue": "150.00",
    "stripe_net": "140.00",
    "new_customer_revenue": "60.00",
    "orders": 3,
    "new_customers": 2,
    "currency": "EUR",
}
ROWS = {
    "line": LINE,
    "delivery": DAY,
    "web": WEB,
    "search": SEARCH,
    "email": EMAIL,
    "bridge": BRIDGE,
    "business": BUSINESS,
}


def types_of(row: dict[str, object]) -> dict[str, str]:
    """Return DuckDB types for the values of a row: texts of digits are decimals."""
    kinds = {int: "BIGINT", str: "DECIMAL(18,4)"}
    return {
        name: "VARCHAR" if name == "currency" else kinds[type(value)] for name, value in row.items()
    }


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("engagement_rate", 0.6),
        ("key_event_rate", 0.0125),
        ("pages_per_session", 2.5),
        ("revenue_per_session", 0.5),
        ("search_ctr", 0.1),
        ("search_position", 4.5),
        ("anonymised_share", 0.45),
        ("open_rate", 0.4),
        ("click_rate", 0.05),
        ("click_to_open", 0.125),
        ("unsubscribe_rate", 0.003),
        ("bounce_rate", 0.05),
        ("value_per_delivered", 0.8124),
        ("residual_percent", -0.5),
        ("mer", 3),
        ("amer", 1.2),
        ("cac", 25),
        ("roas_blended", 3),
        ("roas_claimed", 3.2),
        ("over_claim", 200 / 150),
        ("average_order_value", 50),
    ],
)
def test_pillars(registry: Registry, duck: Connection, metric: str, value: float):
    """A day's rates of web, search, mail, revenue and the whole; NULL when nothing happened."""
    row = ROWS[registry.metrics[metric].grain]
    nothing = {name: "EUR" if name == "currency" else 0 for name in row}
    rows = relation(types_of(row), [row, nothing])
    query = f"SELECT {registry.compile(metric)} AS result FROM {rows} ORDER BY result NULLS LAST"
    assert duck.execute(query).fetchall() == [(pytest.approx(value),), (None,)]


@pytest.mark.parametrize("metric", ["mer", "roas_blended", "amer", "cac", "over_claim"])
def test_days_with_an_unknown_half_stay_out(registry: Registry, duck: Connection, metric: str):
    """Over several days a ratio takes the days on which both sides are known, and no other."""
    unknown = [BUSINESS | {name: None} for name in BUSINESS if name != "currency"]
    rows = relation(types_of(BUSINESS), [BUSINESS, *unknown])
    alone = f"SELECT {registry.compile(metric)} FROM {relation(types_of(BUSINESS), [BUSINESS])}"
    together = f"SELECT {registry.compile(metric, aggregate=True)} FROM {rows}"
    [(expected,)] = duck.execute(alone).fetchall()
    assert duck.execute(together).fetchall() == [(pytest.approx(expected),)]


def test_days_without_queries_have_no_share(registry: Registry, duck: Connection):
    """The share of unnamed queries leaves out the days of which no query is held."""
    days = [SEARCH, SEARCH | {"query_clicks": None, "clicks": 9000}]
    rows = relation(types_of(SEARCH), days)
    query = f"SELECT {registry.compile('anonymised_share', aggregate=True)} FROM {rows}"
    assert duck.execute(query).fetchall() == [(pytest.approx(0.45),)]


def test_every_metric_computes(registry: Registry, duck: Connection):
    """Every built-in metric runs over its grain, for a row and for a group."""
    columns = {grain: relation(types_of(row), [row]) for grain, row in ROWS.items()}
    columns["line"] = relation(LINE_TYPES, [LINE])
    for name, metric in registry.metrics.items():
        for aggregate in (False, True):
            text = registry.compile(name, aggregate=aggregate)
            (value,) = duck.execute(f"SELECT {text} FROM {columns[metric.grain]}").fetchall()[0]
            assert value is not None, (name, aggregate)
