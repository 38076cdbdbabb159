-- table: orders
-- grain: one row per order as it is now; each fetch of it replaces the one before
-- units: money in the shop's currency (presentment_* in the buyer's), rounded half up to two decimals;
--        total, discounts, tax, shipping are before returns; times UTC; date is the day of processedAt
--        in the shop's time zone
-- source: Shopify Admin API 2026-07, QueryRoot.orders (contract, 2026-11-21)
-- quality: 100, less 30 when more was refunded than the order came to, less 20 without a financial
--          status, less 10 without the time it was processed (createdAt takes its place)
--
-- gross is made so that gross - discounts + tax + shipping = total, whether prices include tax or
-- not: goods before discounts, without tax; tips and duties are in it. Test orders are kept and marked.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    coalesce(request ->> '$.account.timezone', 'UTC') AS timezone,
    TRY(from_json(payload, '{"data": {"orders": {"nodes": [{
      "legacyResourceId": "VARCHAR", "name": "VARCHAR", "createdAt": "VARCHAR",
      "processedAt": "VARCHAR", "updatedAt": "VARCHAR", "cancelledAt": "VARCHAR", "test": "VARCHAR",
      "displayFinancialStatus": "VARCHAR", "displayFulfillmentStatus": "VARCHAR",
      "sourceName": "VARCHAR", "paymentGatewayNames": ["VARCHAR"],
      "subtotalLineItemsQuantity": "VARCHAR",
      "totalPriceSet": {
        "shopMoney": {"amount": "VARCHAR", "currencyCode": "VARCHAR"},
        "presentmentMoney": {"amount": "VARCHAR", "currencyCode": "VARCHAR"}
      },
      "totalDiscountsSet": {"shopMoney": {"amount": "VARCHAR"}},
      "totalTaxSet": {"shopMoney": {"amount": "VARCHAR"}},
      "totalShippingPriceSet": {"shopMoney": {"amount": "VARCHAR"}},
      "totalRefundedSet": {"shopMoney": {"amount": "VARCHAR"}},
      "netPaymentSet": {"shopMoney": {"amount": "VARCHAR"}},
      "customer": {"legacyResourceId": "VARCHAR", "numberOfOrders": "VARCHAR"},
      "customerJourneySummary": {
        "customerOrderIndex": "VARCHAR",
        "lastVisit": {
          "utmParameters": {"source": "VARCHAR", "medium": "VARCHAR", "campaign": "VARCHAR"}
        }
      }
    }]}}}')).data.orders.nodes AS nodes
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
texts AS (
  SELECT
    *,
    nullif(trim(r.legacyResourceId), '') AS order_id,
    upper(trim(r.totalPriceSet.shopMoney.currencyCode)) AS currency,
    upper(trim(r.totalPriceSet.presentmentMoney.currencyCode)) AS presentment_currency,
    r.totalPriceSet.shopMoney.amount AS total_text,
    -- no discounts, no tax: null and 0 are the same
    coalesce(r.totalDiscountsSet.shopMoney.amount, '0') AS discounts_text,
    coalesce(r.totalTaxSet.shopMoney.amount, '0') AS tax_text,
    coalesce(r.totalShippingPriceSet.shopMoney.amount, '0') AS shipping_text,
    coalesce(r.totalRefundedSet.shopMoney.amount, '0') AS refunded_text,
    coalesce(r.netPaymentSet.shopMoney.amount, '0') AS net_text,
    r.customerJourneySummary.lastVisit.utmParameters AS utm
  FROM records
),
typed AS (
  -- TRY_CAST behind a pattern, too: the optimizer may cast before it looks at the pattern
  SELECT
    *,
    CASE WHEN regexp_full_match(r.createdAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.createdAt AS TIMESTAMPTZ) END AS created_at,
    CASE WHEN regexp_full_match(r.processedAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.processedAt AS TIMESTAMPTZ) END AS processed_at,
    CASE WHEN regexp_full_match(r.updatedAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.updatedAt AS TIMESTAMPTZ) END AS updated_at,
    CASE WHEN regexp_full_match(r.cancelledAt, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(r.cancelledAt AS TIMESTAMPTZ) END AS cancelled_at,
    CASE WHEN regexp_full_match(total_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(TRY_CAST(total_text AS DECIMAL(38, 10)) AS DECIMAL(15, 2)) END AS total,
    CASE WHEN regexp_full_match(discounts_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(TRY_CAST(discounts_text AS DECIMAL(38, 10)) AS DECIMAL(15, 2)) END AS discounts,
    CASE WHEN regexp_full_match(tax_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(TRY_CAST(tax_text AS DECIMAL(38, 10)) AS DECIMAL(15, 2)) END AS tax,
    CASE WHEN regexp_full_match(shipping_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(TRY_CAST(shipping_text AS DECIMAL(38, 10)) AS DECIMAL(15, 2)) END AS shipping,
    CASE WHEN regexp_full_match(refunded_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(TRY_CAST(refunded_text AS DECIMAL(38, 10)) AS DECIMAL(15, 2)) END AS refunded,
    CASE WHEN regexp_full_match(net_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(TRY_CAST(net_text AS DECIMAL(38, 10)) AS DECIMAL(15, 2)) END AS net_payment,
    CASE WHEN regexp_full_match(r.totalPriceSet.presentmentMoney.amount, '-?\d+(\.\d+)?')
      THEN TRY_CAST(
        TRY_CAST(r.totalPriceSet.presentmentMoney.amount AS DECIMAL(38, 10)) AS DECIMAL(15, 2)
      ) END AS presentment_total,
    CASE WHEN regexp_full_match(r.subtotalLineItemsQuantity, '\d{1,9}')
      THEN TRY_CAST(r.subtotalLineItemsQuantity AS INTEGER) END AS units,
    CASE WHEN regexp_full_match(r.customerJourneySummary.customerOrderIndex, '\d{1,9}')
      THEN TRY_CAST(r.customerJourneySummary.customerOrderIndex AS INTEGER) END AS order_index
  FROM texts
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN order_id IS NULL THEN 'order_id_missing'
      WHEN coalesce(processed_at, created_at) IS NULL THEN 'processed_at_not_a_time'
      WHEN updated_at IS NULL THEN 'updated_at_not_a_time'
      WHEN total IS NULL THEN 'total_not_a_number'
      WHEN discounts IS NULL THEN 'discounts_not_a_number'
      WHEN tax IS NULL THEN 'tax_not_a_number'
      WHEN shipping IS NULL THEN 'shipping_not_a_number'
      WHEN refunded IS NULL THEN 'refunded_not_a_number'
      WHEN net_payment IS NULL THEN 'net_payment_not_a_number'
      WHEN NOT coalesce(regexp_full_match(currency, '[A-Z]{3}'), false) THEN 'currency_missing'
    END AS rule
  FROM typed
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  order_id AS entity_id,
  CAST(timezone(timezone, coalesce(processed_at, created_at)) AS DATE) AS date,
  order_id,
  r.name AS order_name,
  created_at, processed_at, updated_at, cancelled_at,
  nullif(trim(r.customer.legacyResourceId), '') AS customer_id,
  -- The visit is attributed within two days; until then the customer's only order is the first.
  coalesce(order_index = 1, r.customer.numberOfOrders = '1') AS is_first_order,
  r.displayFinancialStatus AS financial_status,
  r.displayFulfillmentStatus AS fulfillment_status,
  coalesce(r.test = 'true', false) AS is_test,
  r.sourceName AS source_name,
  nullif(array_to_string(r.paymentGatewayNames, ','), '') AS gateways,
  nullif(trim(utm.source), '') AS utm_source,
  nullif(trim(utm.medium), '') AS utm_medium,
  nullif(trim(utm.campaign), '') AS utm_campaign,
  TRY_CAST(total - shipping - tax + discounts AS DECIMAL(15, 2)) AS gross,
  discounts, tax, shipping, total, refunded, net_payment, currency,
  presentment_total, presentment_currency,
  units,
  CAST(
    100
    - CASE WHEN refunded > total THEN 30 ELSE 0 END
    - CASE WHEN r.displayFinancialStatus IS NULL THEN 20 ELSE 0 END
    - CASE WHEN processed_at IS NULL THEN 10 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN left(payload, 4096)
    WHEN rule IS NOT NULL THEN CAST(to_json(r) AS VARCHAR)
  END AS record
FROM judged
