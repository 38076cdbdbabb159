-- table: products
-- grain: one row per product as it is now; the whole shop is read each time, so that products which
--        were deleted vanish (deleted_at is always NULL)
-- units: prices of the cheapest and the dearest variant, rounded half up to two decimals; times UTC;
--        date is the day of createdAt in the shop's time zone
-- source: Shopify Admin API 2026-07, QueryRoot.products (contract, 2026-11-21)
-- quality: 100, less 20 without prices, less 10 without a title
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    coalesce(request ->> '$.account.timezone', 'UTC') AS timezone,
    request ->> '$.account.currency' AS shop_currency,
    TRY(from_json(payload, '{"data": {"products": {"nodes": [{
      "legacyResourceId": "VARCHAR", "title": "VARCHAR", "handle": "VARCHAR", "status": "VARCHAR",
      "vendor": "VARCHAR", "productType": "VARCHAR", "createdAt": "VARCHAR",
      "updatedAt": "VARCHAR", "publishedAt": "VARCHAR", "totalInventory": "VARCHAR",
      "priceRangeV2": {
        "minVariantPrice": {"amount": "VARCHAR", "currencyCode": "VARCHAR"},
        "maxVariantPrice": {"amount": "VARCHAR"}
      }
    }]}}}')).data.products.nodes AS nodes
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
    nullif(trim(r.legacyResourceId), '') AS product_id,
    upper(trim(coalesce(r.priceRangeV2.minVariantPrice.currencyCode, shop_currency))) AS currency,
    CASE WHEN regexp_full_match(r.createdAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.createdAt AS TIMESTAMPTZ) END AS created_at,
    CASE WHEN regexp_full_match(r.updatedAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.updatedAt AS TIMESTAMPTZ) END AS updated_at,
    CASE WHEN regexp_full_match(r.publishedAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.publishedAt AS TIMESTAMPTZ) END AS published_at,
    CASE WHEN regexp_full_match(r.totalInventory, '-?\d{1,18}')
      THEN TRY_CAST(r.totalInventory AS BIGINT) END AS total_inventory,
    CASE WHEN regexp_full_match(r.priceRangeV2.minVariantPrice.amount, '-?\d+(\.\d+)?')
      THEN TRY_CAST(
        TRY_CAST(r.priceRangeV2.minVariantPrice.amount AS DECIMAL(38, 10)) AS DECIMAL(15, 2)
      ) END AS min_price,
    CASE WHEN regexp_full_match(r.priceRangeV2.maxVariantPrice.amount, '-?\d+(\.\d+)?')
      THEN TRY_CAST(
        TRY_CAST(r.priceRangeV2.maxVariantPrice.amount AS DECIMAL(38, 10)) AS DECIMAL(15, 2)
      ) END AS max_price
  FROM records
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN product_id IS NULL THEN 'product_id_missing'
      WHEN created_at IS NULL THEN 'created_at_not_a_time'
      WHEN total_inventory IS NULL AND r.totalInventory IS NOT NULL
        THEN 'total_inventory_not_a_number'
      WHEN min_price IS NULL AND r.priceRangeV2.minVariantPrice.amount IS NOT NULL
        THEN 'min_price_not_a_number'
      WHEN max_price IS NULL AND r.priceRangeV2.maxVariantPrice.amount IS NOT NULL
        THEN 'max_price_not_a_number'
    END AS rule
  FROM typed
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  product_id AS entity_id,
  CAST(timezone(timezone, created_at) AS DATE) AS date,
  product_id,
  r.title AS title,
  r.handle AS handle,
  r.status AS status,
  r.vendor AS vendor,
  r.productType AS product_type,
  min_price, max_price, currency, total_inventory, created_at, updated_at, published_at,
  CAST(NULL AS TIMESTAMPTZ) AS deleted_at,
  CAST(
    100
    - CASE WHEN min_price IS NULL THEN 20 ELSE 0 END
    - CASE WHEN nullif(trim(r.title), '') IS NULL THEN 10 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN left(payload, 4096)
    WHEN rule IS NOT NULL THEN CAST(to_json(r) AS VARCHAR)
  END AS record
FROM judged
