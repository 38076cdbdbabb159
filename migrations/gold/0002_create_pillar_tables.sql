-- Channels, web, search, e-mail, the shop's orders against Stripe, and what the whole business earns.
-- Shares and rates are virtual columns, as in the tables before.

-- What the European Central Bank says a euro costs; kept for as long as gold's days.
CREATE TABLE fx_rates (
    date DATE NOT NULL,
    currency VARCHAR NOT NULL,
    per_eur DECIMAL(18, 8) NOT NULL
);

-- How a shop and a payment processor may both write the number of one order: #1042 is 1042, and an id
-- is what stands at its end.
CREATE MACRO order_key(reference) AS
    nullif(lower(regexp_replace(trim(reference), '^(gid://shopify/[A-Za-z]+/|#)', '')), '');

-- Finality as a number, so that the least settled of several can be taken.
CREATE MACRO finality_order(finality) AS CASE finality WHEN 'final' THEN 0 WHEN 'provisional' THEN 1 ELSE 2 END;

CREATE MACRO finality_name(unsettled) AS
    CASE unsettled WHEN 0 THEN 'final' WHEN 1 THEN 'provisional' ELSE 'open' END;

-- A loaded day without a row is a day of 0; one whose row has no amount is not known.
CREATE MACRO known_amount(part) AS CASE WHEN coalesce(part.held, 0) = 0 THEN 0 ELSE part.amount END;

CREATE TABLE channel_daily (
    org_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    date DATE NOT NULL,
    campaigns BIGINT NOT NULL,
    impressions BIGINT,
    clicks BIGINT,
    spend DECIMAL(18, 2),
    currency VARCHAR,
    conversions DECIMAL(18, 4),
    conversion_value DECIMAL(18, 2),
    video_views BIGINT,
    ctr DOUBLE GENERATED ALWAYS AS ({{ ctr }}) VIRTUAL,
    cpc DOUBLE GENERATED ALWAYS AS ({{ cpc }}) VIRTUAL,
    cpm DOUBLE GENERATED ALWAYS AS ({{ cpm }}) VIRTUAL,
    cpa DOUBLE GENERATED ALWAYS AS ({{ cpa }}) VIRTUAL,
    roas DOUBLE GENERATED ALWAYS AS ({{ roas }}) VIRTUAL,
    finality VARCHAR NOT NULL,
    timezones VARCHAR
);

CREATE TABLE web_daily (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    date DATE NOT NULL,
    sessions BIGINT,
    engaged_sessions BIGINT,
    new_users BIGINT,
    users BIGINT, -- NULL where it would be a sum: a person with two sources is two
    users_at_most BIGINT,
    page_views BIGINT,
    key_events DECIMAL(18, 4),
    purchases BIGINT,
    purchase_revenue DECIMAL(18, 2),
    total_revenue DECIMAL(18, 2),
    currency VARCHAR,
    regrouped_sessions BIGINT NOT NULL, -- the vendor puts them into another channel
    unattributed_sessions BIGINT NOT NULL, -- their source is not known, or not yet
    warned_sessions BIGINT NOT NULL,
    warnings VARCHAR,
    engagement_rate DOUBLE GENERATED ALWAYS AS ({{ engagement_rate }}) VIRTUAL,
    key_event_rate DOUBLE GENERATED ALWAYS AS ({{ key_event_rate }}) VIRTUAL,
    revenue_per_session DOUBLE GENERATED ALWAYS AS ({{ revenue_per_session }}) VIRTUAL,
    is_sampled BOOLEAN NOT NULL,
    is_thresholded BOOLEAN NOT NULL,
    has_other_row BOOLEAN NOT NULL,
    finality VARCHAR NOT NULL,
    timezone VARCHAR
);

CREATE TABLE seo_daily (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    search_type VARCHAR NOT NULL,
    date DATE NOT NULL,
    clicks BIGINT, -- NULL: the property's totals of the day are not held
    impressions BIGINT,
    position_weight DECIMAL(24, 4),
    query_clicks BIGINT, -- NULL: no row by query is held
    query_impressions BIGINT,
    queries BIGINT NOT NULL,
    pages BIGINT NOT NULL,
    search_ctr DOUBLE GENERATED ALWAYS AS ({{ search_ctr }}) VIRTUAL,
    search_position DOUBLE GENERATED ALWAYS AS ({{ search_position }}) VIRTUAL,
    anonymised_share DOUBLE GENERATED ALWAYS AS ({{ anonymised_share }}) VIRTUAL,
    is_final BOOLEAN NOT NULL,
    is_truncated BOOLEAN NOT NULL,
    truncated_reports VARCHAR,
    finality VARCHAR NOT NULL
);

CREATE TABLE email_daily (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    send_channel VARCHAR NOT NULL,
    date DATE NOT NULL,
    messages BIGINT NOT NULL,
    recipients BIGINT,
    delivered BIGINT,
    opens_unique BIGINT,
    clicks_unique BIGINT,
    bounced BIGINT,
    unsubscribes BIGINT,
    spam_complaints BIGINT,
    conversions BIGINT,
    conversion_value DECIMAL(18, 2),
    currency VARCHAR,
    open_rate DOUBLE GENERATED ALWAYS AS ({{ open_rate }}) VIRTUAL,
    click_rate DOUBLE GENERATED ALWAYS AS ({{ click_rate }}) VIRTUAL,
    click_to_open DOUBLE GENERATED ALWAYS AS ({{ click_to_open }}) VIRTUAL,
    unsubscribe_rate DOUBLE GENERATED ALWAYS AS ({{ unsubscribe_rate }}) VIRTUAL,
    bounce_rate DOUBLE GENERATED ALWAYS AS ({{ bounce_rate }}) VIRTUAL,
    subscribers BIGINT, -- of all lists; who is on two lists counts twice. A state: never add days up
    subscribers_as_of DATE,
    numbers_as_of DATE, -- they grow for days after sending
    finality VARCHAR NOT NULL
);

CREATE TABLE email_orders_daily (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    date DATE NOT NULL,
    messages BIGINT NOT NULL,
    orders BIGINT,
    revenue DECIMAL(18, 2),
    currency VARCHAR,
    finality VARCHAR NOT NULL
);

CREATE TABLE order_charges (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    txn_id VARCHAR NOT NULL,
    date DATE NOT NULL,
    currency VARCHAR NOT NULL,
    amount DECIMAL(18, 3) NOT NULL,
    order_ref VARCHAR,
    matched_by VARCHAR, -- id or name; NULL: no order
    shop_source VARCHAR,
    shop_account_id VARCHAR,
    order_id VARCHAR,
    order_name VARCHAR,
    order_date DATE,
    order_currency VARCHAR,
    finding VARCHAR,
    finality VARCHAR NOT NULL
);

CREATE TABLE orders (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    order_id VARCHAR NOT NULL,
    order_name VARCHAR,
    date DATE NOT NULL,
    currency VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    channel_rule VARCHAR NOT NULL,
    channel_warning VARCHAR,
    is_first_order BOOLEAN,
    financial_status VARCHAR,
    gateways VARCHAR,
    units BIGINT,
    gross DECIMAL(18, 3) NOT NULL,
    discounts DECIMAL(18, 3) NOT NULL,
    shipping DECIMAL(18, 3) NOT NULL,
    tax DECIMAL(18, 3) NOT NULL,
    other DECIMAL(18, 3) NOT NULL, -- what total holds beyond: tips, duties; minus tax that gross holds
    total DECIMAL(18, 3) NOT NULL,
    refunded DECIMAL(18, 3) NOT NULL,
    is_voided BOOLEAN NOT NULL, -- never paid, never will be: no sale
    is_stripe BOOLEAN NOT NULL,
    unpaid DECIMAL(18, 3) NOT NULL,
    paid_elsewhere DECIMAL(18, 3) NOT NULL,
    settled_elsewhere DECIMAL(18, 3) NOT NULL, -- by Stripe, in another currency
    expected DECIMAL(18, 3) NOT NULL,
    charged DECIMAL(18, 3) NOT NULL,
    charged_same_day DECIMAL(18, 3) NOT NULL,
    charged_on DATE,
    finality VARCHAR NOT NULL
);

CREATE TABLE order_residuals (
    org_id VARCHAR NOT NULL,
    date DATE NOT NULL,
    currency VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    in_residual BOOLEAN NOT NULL,
    amount DECIMAL(18, 3) NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    order_id VARCHAR,
    order_name VARCHAR,
    order_date DATE,
    txn_id VARCHAR,
    order_ref VARCHAR,
    charged_on DATE,
    expected DECIMAL(18, 3),
    charged DECIMAL(18, 3),
    finding VARCHAR
);

CREATE TABLE revenue_bridge (
    org_id VARCHAR NOT NULL,
    date DATE NOT NULL,
    currency VARCHAR NOT NULL,
    orders BIGINT, -- NULL, like every line of the shop: the org has no shop
    voided_orders BIGINT,
    gross_sales DECIMAL(18, 3),
    discounts DECIMAL(18, 3),
    voided DECIMAL(18, 3),
    refunds DECIMAL(18, 3),
    net_sales DECIMAL(18, 3),
    shipping DECIMAL(18, 3),
    tax DECIMAL(18, 3),
    other_sales DECIMAL(18, 3),
    total_sales DECIMAL(18, 3),
    refunds_added_back DECIMAL(18, 3),
    unpaid DECIMAL(18, 3),
    paid_elsewhere DECIMAL(18, 3),
    settled_elsewhere DECIMAL(18, 3),
    expected_charges DECIMAL(18, 3),
    timing DECIMAL(18, 3),
    foreign_orders DECIMAL(18, 3),
    residual DECIMAL(18, 3),
    charge_count BIGINT, -- NULL, like every line of Stripe: the org has no Stripe
    charges DECIMAL(18, 3),
    stripe_refunds DECIMAL(18, 3),
    disputes DECIMAL(18, 3),
    fees DECIMAL(18, 3),
    adjustments DECIMAL(18, 3),
    stripe_net DECIMAL(18, 3),
    residual_percent DOUBLE GENERATED ALWAYS AS ({{ residual_percent }}) VIRTUAL,
    finality VARCHAR NOT NULL
);

CREATE TABLE blended_daily (
    org_id VARCHAR NOT NULL,
    date DATE NOT NULL,
    currency VARCHAR NOT NULL, -- the org's own: everything else is converted into it
    spend DECIMAL(18, 2), -- NULL, like everything here, when a part of it is missing
    ad_value DECIMAL(18, 2),
    email_value DECIMAL(18, 2),
    claimed_value DECIMAL(18, 2),
    revenue_basis VARCHAR, -- orders or charges
    store_revenue DECIMAL(18, 2),
    stripe_net DECIMAL(18, 2),
    orders BIGINT,
    new_customers BIGINT,
    new_customer_revenue DECIMAL(18, 2),
    mer DOUBLE GENERATED ALWAYS AS ({{ mer }}) VIRTUAL,
    amer DOUBLE GENERATED ALWAYS AS ({{ amer }}) VIRTUAL,
    cac DOUBLE GENERATED ALWAYS AS ({{ cac }}) VIRTUAL,
    roas_blended DOUBLE GENERATED ALWAYS AS ({{ roas_blended }}) VIRTUAL,
    roas_claimed DOUBLE GENERATED ALWAYS AS ({{ roas_claimed }}) VIRTUAL,
    over_claim DOUBLE GENERATED ALWAYS AS ({{ over_claim }}) VIRTUAL,
    is_converted BOOLEAN NOT NULL,
    rate_date DATE, -- of the oldest rate that was used
    rates VARCHAR,
    finality VARCHAR NOT NULL,
    findings VARCHAR
);
