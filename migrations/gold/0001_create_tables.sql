-- The tables of a gold generation. Ratios are virtual columns: computed when read, always ratio of
-- sums, and they cost no bytes when a generation is copied (10 M rows: 186 MB instead of 543 MB).
-- `{{ … }}` is the compiled formula of that metric.

CREATE TABLE generation (
    number BIGINT NOT NULL,
    schema_version INTEGER NOT NULL,
    fingerprint VARCHAR NOT NULL, -- of migrations, models and formulas; another one: build full
    built_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE metric_definitions (name VARCHAR NOT NULL, expression VARCHAR NOT NULL);

CREATE TABLE orgs (
    org_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    currency VARCHAR NOT NULL,
    timezone VARCHAR NOT NULL,
    today DATE NOT NULL -- the org's calendar day when this generation was built
);

-- The least settled of the days in a group.
CREATE MACRO weakest_finality(finality) AS
    CASE max(CASE finality WHEN 'final' THEN 0 WHEN 'provisional' THEN 1 ELSE 2 END)
        WHEN 0 THEN 'final' WHEN 1 THEN 'provisional' ELSE 'open' END;

-- How far the data watermark is behind the last closed day (yesterday).
CREATE MACRO describe_freshness(as_of, today) AS
    CASE
        WHEN as_of IS NULL THEN 'no data'
        WHEN as_of >= today - 1 THEN 'current'
        WHEN as_of = today - 2 THEN '1 day behind'
        ELSE (today - 1 - as_of)::VARCHAR || ' days behind'
    END;

-- The same for a line: one that ended needs no newer day.
CREATE MACRO describe_line_freshness(as_of, flight_end, today) AS
    CASE WHEN as_of >= flight_end THEN 'complete' ELSE describe_freshness(as_of, today) END;

CREATE MACRO is_cancelled(status) AS
    regexp_matches(lower(trim(coalesce(status, ''))), '^(cancell?ed|lost|rejected|declined|void)$');

CREATE TABLE ad_daily (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    campaign_id VARCHAR NOT NULL,
    campaign_name VARCHAR,
    channel VARCHAR,
    date DATE NOT NULL,
    impressions BIGINT,
    clicks BIGINT,
    spend DECIMAL(15, 2),
    currency VARCHAR,
    conversions DECIMAL(15, 4),
    conversion_value DECIMAL(15, 2),
    video_views BIGINT,
    ctr DOUBLE GENERATED ALWAYS AS ({{ ctr }}) VIRTUAL,
    cpc DOUBLE GENERATED ALWAYS AS ({{ cpc }}) VIRTUAL,
    cpm DOUBLE GENERATED ALWAYS AS ({{ cpm }}) VIRTUAL,
    cpa DOUBLE GENERATED ALWAYS AS ({{ cpa }}) VIRTUAL,
    roas DOUBLE GENERATED ALWAYS AS ({{ roas }}) VIRTUAL,
    finality VARCHAR NOT NULL,
    timezone VARCHAR
);

CREATE TABLE ad_weekly (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    campaign_id VARCHAR NOT NULL,
    campaign_name VARCHAR,
    channel VARCHAR,
    week_start DATE NOT NULL, -- Monday
    days INTEGER NOT NULL, -- days of the week that have rows
    last_day DATE NOT NULL, -- the newest of them
    impressions BIGINT,
    clicks BIGINT,
    spend DECIMAL(15, 2),
    currency VARCHAR,
    conversions DECIMAL(15, 4),
    conversion_value DECIMAL(15, 2),
    video_views BIGINT,
    ctr DOUBLE GENERATED ALWAYS AS ({{ ctr }}) VIRTUAL,
    cpc DOUBLE GENERATED ALWAYS AS ({{ cpc }}) VIRTUAL,
    cpm DOUBLE GENERATED ALWAYS AS ({{ cpm }}) VIRTUAL,
    cpa DOUBLE GENERATED ALWAYS AS ({{ cpa }}) VIRTUAL,
    roas DOUBLE GENERATED ALWAYS AS ({{ roas }}) VIRTUAL,
    finality VARCHAR NOT NULL,
    timezone VARCHAR
);

CREATE TABLE ad_monthly (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    campaign_id VARCHAR NOT NULL,
    campaign_name VARCHAR,
    channel VARCHAR,
    month_start DATE NOT NULL,
    days INTEGER NOT NULL, -- days of the month that have rows
    last_day DATE NOT NULL, -- the newest of them
    impressions BIGINT,
    clicks BIGINT,
    spend DECIMAL(15, 2),
    currency VARCHAR,
    conversions DECIMAL(15, 4),
    conversion_value DECIMAL(15, 2),
    video_views BIGINT,
    ctr DOUBLE GENERATED ALWAYS AS ({{ ctr }}) VIRTUAL,
    cpc DOUBLE GENERATED ALWAYS AS ({{ cpc }}) VIRTUAL,
    cpm DOUBLE GENERATED ALWAYS AS ({{ cpm }}) VIRTUAL,
    cpa DOUBLE GENERATED ALWAYS AS ({{ cpa }}) VIRTUAL,
    roas DOUBLE GENERATED ALWAYS AS ({{ roas }}) VIRTUAL,
    finality VARCHAR NOT NULL,
    timezone VARCHAR
);

-- ad_daily of the booked campaigns only, kept in step with it: pacing reads thousands of rows, not
-- millions. `booked_campaigns` says for which campaigns it is complete.
CREATE TABLE booked_days (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    campaign_id VARCHAR NOT NULL,
    channel VARCHAR,
    date DATE NOT NULL,
    currency VARCHAR,
    impressions BIGINT,
    clicks BIGINT,
    conversions DECIMAL(15, 4),
    video_views BIGINT,
    spend DECIMAL(15, 2)
);

CREATE TABLE booked_campaigns (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    campaign_id VARCHAR NOT NULL
);

CREATE TABLE revenue_daily (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    date DATE NOT NULL,
    currency VARCHAR NOT NULL,
    transactions BIGINT NOT NULL,
    charge_count BIGINT NOT NULL,
    charges_minor BIGINT NOT NULL,
    refunds_minor BIGINT NOT NULL,
    disputes_minor BIGINT NOT NULL,
    fees_minor BIGINT NOT NULL,
    other_minor BIGINT NOT NULL,
    net_minor BIGINT NOT NULL,
    payouts_minor BIGINT NOT NULL,
    charges DECIMAL(18, 3) NOT NULL,
    refunds DECIMAL(18, 3) NOT NULL,
    disputes DECIMAL(18, 3) NOT NULL,
    fees DECIMAL(18, 3) NOT NULL,
    other DECIMAL(18, 3) NOT NULL,
    net DECIMAL(18, 3) NOT NULL,
    payouts DECIMAL(18, 3) NOT NULL,
    pending BIGINT NOT NULL,
    finality VARCHAR NOT NULL
);

CREATE TABLE bookings (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    booking_id VARCHAR NOT NULL,
    client VARCHAR,
    campaign VARCHAR,
    campaign_id VARCHAR,
    platform VARCHAR,
    channel VARCHAR,
    flight_start DATE,
    flight_end DATE,
    booked_impressions BIGINT,
    booking_revenue DECIMAL(15, 2),
    currency VARCHAR,
    status VARCHAR,
    make_good_for VARCHAR,
    sheet_row INTEGER,
    extras VARCHAR,
    goal VARCHAR,
    booked_clicks BIGINT,
    booked_views BIGINT,
    booked_conversions DECIMAL(15, 4),
    booked_spend DECIMAL(15, 2),
    start_share DECIMAL(9, 8),
    hiatus VARCHAR,
    plan VARCHAR,
    quality_score INTEGER,
    fetched_at TIMESTAMPTZ
);

CREATE TABLE booking_versions (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    booking_id VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE, -- NULL: in force
    flight_start DATE,
    flight_end DATE,
    goal VARCHAR,
    booked_impressions BIGINT,
    booked_clicks BIGINT,
    booked_views BIGINT,
    booked_conversions DECIMAL(15, 4),
    booked_spend DECIMAL(15, 2),
    booking_revenue DECIMAL(15, 2),
    currency VARCHAR,
    hiatus VARCHAR,
    plan VARCHAR,
    start_share DECIMAL(9, 8)
);

CREATE TABLE freshness (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR, -- NULL: the stream was never loaded
    timezone VARCHAR NOT NULL, -- in which its days are counted: the account's, else the org's
    stream VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL,
    first_day DATE,
    newest_day DATE,
    watermark DATE,
    last_fetched_at TIMESTAMPTZ,
    days_open BIGINT NOT NULL,
    days_provisional BIGINT NOT NULL,
    days_final BIGINT NOT NULL,
    days_missing BIGINT NOT NULL
);

CREATE TABLE campaign_pacing (
    org_id VARCHAR NOT NULL,
    source VARCHAR,
    account_id VARCHAR,
    campaign_id VARCHAR,
    campaign_name VARCHAR,
    booking_id VARCHAR, -- NULL: delivery that nobody booked
    client VARCHAR,
    channel VARCHAR,
    flight_start DATE,
    flight_end DATE,
    total_days INTEGER,
    elapsed_days INTEGER,
    elapsed_percent DOUBLE,
    booked_impressions BIGINT,
    delivered_impressions BIGINT NOT NULL,
    delivery_percent DOUBLE,
    expected_impressions DOUBLE,
    pacing_rate DOUBLE,
    variance DOUBLE,
    required_daily_impressions DOUBLE,
    recent_daily_impressions DOUBLE,
    required_vs_recent DOUBLE,
    unreachable BOOLEAN NOT NULL,
    reachable_impressions DOUBLE,
    projected_impressions DOUBLE,
    projected_impressions_linear DOUBLE,
    goal VARCHAR, -- what the line is paced by: impressions, clicks, views, conversions, spend
    goal_booked DOUBLE, -- in units of the goal, like the columns that follow
    goal_delivered DOUBLE,
    goal_expected DOUBLE,
    goal_required_daily DOUBLE,
    goal_recent_daily DOUBLE,
    goal_projected DOUBLE,
    planned_percent DOUBLE, -- how much of the plan lies behind; elapsed_percent when it is even
    booked_spend DECIMAL(15, 2), -- media budget
    spend_pacing_rate DOUBLE,
    ecpm_drift DOUBLE, -- spend pacing over impression pacing: above 1, impressions cost more than planned
    replanned_on DATE,
    over_delivery DOUBLE NOT NULL, -- in units of the goal
    out_of_flight_impressions BIGINT NOT NULL,
    open_impressions BIGINT NOT NULL,
    make_good_impressions BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    direction VARCHAR,
    provisional BOOLEAN NOT NULL,
    provisional_until DATE,
    booking_revenue DECIMAL(15, 2),
    currency VARCHAR,
    actual_spend DECIMAL(15, 2),
    spend_currency VARCHAR,
    out_of_flight_spend DECIMAL(15, 2),
    recent_daily_spend DOUBLE,
    margin_percent DOUBLE,
    make_good_for VARCHAR,
    as_of DATE,
    freshness VARCHAR NOT NULL,
    findings VARCHAR
);

CREATE TABLE campaign_margin (
    org_id VARCHAR NOT NULL,
    source VARCHAR,
    account_id VARCHAR,
    campaign_id VARCHAR,
    campaign_name VARCHAR,
    booking_id VARCHAR NOT NULL,
    client VARCHAR,
    channel VARCHAR,
    flight_start DATE,
    flight_end DATE,
    status VARCHAR NOT NULL,
    booking_revenue DECIMAL(15, 2),
    currency VARCHAR,
    actual_spend DECIMAL(15, 2),
    spend_currency VARCHAR,
    out_of_flight_spend DECIMAL(15, 2),
    margin_amount DECIMAL(15, 2),
    margin_percent DOUBLE,
    markup_percent DOUBLE,
    earned_revenue DOUBLE,
    earned_margin_percent DOUBLE,
    projected_spend DOUBLE,
    projected_margin_percent DOUBLE,
    margin_at_risk DOUBLE,
    as_of DATE,
    freshness VARCHAR NOT NULL,
    findings VARCHAR
);
