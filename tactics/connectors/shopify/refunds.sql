-- table: order_refunds
-- grain: one row per refund; an order may have several, and one of nothing (goods back, no money)
-- units: amount in the shop's currency, positive, rounded half up to two decimals; times UTC; date is
--        the day of processedAt in the shop's time zone: the refund's day, not the order's
-- source: Shopify Admin API 2026-07, Order.refunds (contract, 2026-11-21)
-- quality: 100, less 10 without the time it was processed (createdAt takes its place)
--
-- A page lists orders; position counts refunds over the whole page.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    coalesce(request ->> '$.account.timezone', 'UTC') AS timezone,
    TRY(from_json(payload, '{"data": {"orders": {"nodes": [{
      "legacyResourceId": "VARCHAR",
      "refunds": [{
        "legacyResourceId": "VARCHAR", "createdAt": "VARCHAR", "processedAt": "VARCHAR",
        "totalRefundedSet": {"shopMoney": {"amount": "VARCHAR", "currencyCode": "VARCHAR"}}
      }]
    }]}}}')).data.orders.nodes AS nodes
  FROM pages
),
flat AS (
  SELECT
    *,
    nodes IS NULL AS undecodable,
    flatten(list_transform(nodes, lambda o: list_transform(
      coalesce(o.refunds, []), lambda f: struct_pack(order_id := o.legacyResourceId, f := f)
    ))) AS refunds
  FROM decoded
),
records AS (
  SELECT
    * EXCLUDE (nodes, refunds),
    unnest(CASE WHEN undecodable THEN [NULL] ELSE refunds END) AS r,
    unnest(CASE WHEN undecodable THEN [0] ELSE range(len(refunds)) END) AS position
  FROM flat
),
typed AS (
  -- TRY_CAST behind a pattern, too: the optimizer may cast before it looks at the pattern
  SELECT
    *,
    nullif(trim(r.f.legacyResourceId), '') AS refund_id,
    nullif(trim(r.order_id), '') AS order_id,
    upper(trim(r.f.totalRefundedSet.shopMoney.currencyCode)) AS currency,
    CASE WHEN regexp_full_match(r.f.createdAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.f.createdAt AS TIMESTAMPTZ) END AS created_at,
    CASE WHEN regexp_full_match(r.f.processedAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.f.processedAt AS TIMESTAMPTZ) END AS processed_at,
    CASE WHEN regexp_full_match(r.f.totalRefundedSet.shopMoney.amount, '-?\d+(\.\d+)?')
      THEN TRY_CAST(
        TRY_CAST(r.f.totalRefundedSet.shopMoney.amount AS DECIMAL(38, 10)) AS DECIMAL(15, 2)
      ) END AS amount
  FROM records
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN refund_id IS NULL THEN 'refund_id_missing'
      WHEN order_id IS NULL THEN 'order_id_missing'
      WHEN coalesce(processed_at, created_at) IS NULL THEN 'processed_at_not_a_time'
      WHEN amount IS NULL THEN 'amount_not_a_number'
      WHEN NOT coalesce(regexp_full_match(currency, '[A-Z]{3}'), false) THEN 'currency_missing'
    END AS rule
  FROM typed
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  refund_id AS entity_id,
  CAST(timezone(timezone, coalesce(processed_at, created_at)) AS DATE) AS date,
  refund_id, order_id, created_at, processed_at, amount, currency,
  CAST(100 - CASE WHEN processed_at IS NULL THEN 10 ELSE 0 END AS INTEGER) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN left(payload, 4096)
    WHEN rule IS NOT NULL THEN CAST(to_json(r) AS VARCHAR)
  END AS record
FROM judged
