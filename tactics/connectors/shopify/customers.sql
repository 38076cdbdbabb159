-- table: customers
-- grain: one row per customer as it is now; each fetch of it replaces the one before
-- units: amount_spent over the customer's life, in its own currency, rounded half up to two decimals;
--        times UTC; date is the day of createdAt in the shop's time zone
-- source: Shopify Admin API 2026-07, QueryRoot.customers (contract, 2026-11-21)
-- quality: 100, less 20 without the hash of an e-mail address, less 10 without a country
--
-- The e-mail address is a keyed hash before the page is stored; what does not look like one is dropped.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    coalesce(request ->> '$.account.timezone', 'UTC') AS timezone,
    request ->> '$.account.currency' AS shop_currency,
    TRY(from_json(payload, '{"data": {"customers": {"nodes": [{
      "legacyResourceId": "VARCHAR", "createdAt": "VARCHAR", "updatedAt": "VARCHAR",
      "numberOfOrders": "VARCHAR", "tags": "JSON",
      "amountSpent": {"amount": "VARCHAR", "currencyCode": "VARCHAR"},
      "defaultEmailAddress": {"emailAddress": "VARCHAR", "marketingState": "VARCHAR"},
      "defaultAddress": {"countryCodeV2": "VARCHAR"}
    }]}}}')).data.customers.nodes AS nodes
  FROM pages
),
records AS (
  SELECT
    * EXCLUDE (nodes),
    nodes IS NULL AS undecodable,
    unnest(CASE WHEN nodes IS NULL THEN [NULL] ELSE nodes END) AS r,
    unnest(CASE WHEN nodes IS NULL THEN [0] ELSE range(len(nodes)) END) AS position
  FROM decoded
),
typed AS (
  -- TRY_CAST behind a pattern, too: the optimizer may cast before it looks at the pattern
  SELECT
    *,
    nullif(trim(r.legacyResourceId), '') AS customer_id,
    CASE WHEN regexp_full_match(r.defaultEmailAddress.emailAddress, '[0-9a-f]{64}')
      THEN r.defaultEmailAddress.emailAddress END AS email_hash,
    CASE WHEN regexp_full_match(upper(trim(r.defaultAddress.countryCodeV2)), '[A-Z]{2}')
      THEN upper(trim(r.defaultAddress.countryCodeV2)) END AS country,
    upper(trim(coalesce(r.amountSpent.currencyCode, shop_currency))) AS currency,
    CASE WHEN regexp_full_match(r.createdAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.createdAt AS TIMESTAMPTZ) END AS created_at,
    CASE WHEN regexp_full_match(r.updatedAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.updatedAt AS TIMESTAMPTZ) END AS updated_at,
    CASE WHEN regexp_full_match(r.numberOfOrders, '\d{1,18}')
      THEN TRY_CAST(r.numberOfOrders AS BIGINT) END AS orders_count,
    CASE WHEN regexp_full_match(r.amountSpent.amount, '-?\d+(\.\d+)?')
      THEN TRY_CAST(TRY_CAST(r.amountSpent.amount AS DECIMAL(38, 10)) AS DECIMAL(15, 2))
    END AS amount_spent
  FROM records
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN customer_id IS NULL THEN 'customer_id_missing'
      WHEN created_at IS NULL THEN 'created_at_not_a_time'
      WHEN updated_at IS NULL THEN 'updated_at_not_a_time'
      WHEN orders_count IS NULL THEN 'orders_count_not_a_number'
      WHEN amount_spent IS NULL AND r.amountSpent.amount IS NOT NULL
        THEN 'amount_spent_not_a_number'
    END AS rule
  FROM typed
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  customer_id AS entity_id,
  CAST(timezone(timezone, created_at) AS DATE) AS date,
  customer_id, email_hash, country, created_at, updated_at, orders_count, amount_spent, currency,
  r.defaultEmailAddress.marketingState AS marketing_state,
  CAST(r.tags AS VARCHAR) AS tags,
  CAST(
    100
    - CASE WHEN email_hash IS NULL THEN 20 ELSE 0 END
    - CASE WHEN country IS NULL THEN 10 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN left(payload, 4096)
    WHEN rule IS NOT NULL THEN CAST(json_object(
      'legacyResourceId', r.legacyResourceId, 'createdAt', r.createdAt, 'updatedAt', r.updatedAt,
      'numberOfOrders', r.numberOfOrders, 'amountSpent', r.amountSpent.amount
    ) AS VARCHAR)
  END AS record
FROM judged
