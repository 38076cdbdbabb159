-- table: crm_deals
-- uses: cells.sql
-- grain: one row per deal of the tab as it stands now; date is the day it was created, else expected to close
-- units: amount in units of `currency`, half-up to 2 places; probability 0 to 1
-- source: Google Sheets v4, values:batchGet, UNFORMATTED_VALUE and SERIAL_NUMBER (contract, 2026-11-21)
-- quality: 100, less 20 without amount, less 20 with a made-up key, less 10 when a number or a date
--          was typed as text, less 10 when a descriptive cell is an error, less 10 when a probability
--          above 1 was read as percent
gathered AS (
  SELECT
    log_seq, position,
    max(id) FILTER (name = 'deal_id' AND NOT is_error) AS deal_id,
    max(text) FILTER (name = 'company' AND NOT is_error) AS company,
    max(text) FILTER (name = 'stage' AND NOT is_error) AS deal_stage,
    max(text) FILTER (name = 'amount') AS amount_text,
    max(number) FILTER (name = 'amount') AS amount_number,
    nullif(max(money_code) FILTER (name = 'amount'), '') AS amount_code,
    upper(max(text) FILTER (name = 'currency')) AS currency_text,
    max(text) FILTER (name = 'probability') AS probability_text,
    max(number) FILTER (name = 'probability') AS chance,
    max(text) FILTER (name = 'expected_close') AS close_text,
    max(day) FILTER (name = 'expected_close') AS expected_close,
    max(text) FILTER (name = 'created_on') AS created_text,
    max(day) FILTER (name = 'created_on') AS created_on,
    max(text) FILTER (name = 'updated_on') AS updated_text,
    max(day) FILTER (name = 'updated_on') AS updated_on,
    max(text) FILTER (name = 'owner' AND NOT is_error) AS owner,
    max(id) FILTER (name = 'booking_id' AND NOT is_error) AS booking_id,
    coalesce(bool_or(id IS NULL) FILTER (name IN ('deal_id', 'booking_id')), false) AS lost_digits,
    coalesce(bool_or(is_error) FILTER (name NOT IN ('company', 'owner')), false) AS key_error,
    coalesce(bool_or(is_error), false) AS any_error,
    coalesce(bool_or(NOT is_number) FILTER (name IN (
      'amount', 'probability', 'expected_close', 'created_on', 'updated_on'
    )), false) AS typed_as_text
  FROM typed_cells
  GROUP BY log_seq, position
),
keyed AS (
  SELECT
    v.*,
    g.* EXCLUDE (log_seq, position, deal_id),
    v.synthetic_keys AND json_extract(v.titles, '$.deal_id') IS NULL AS synthetic,
    CASE
      WHEN NOT synthetic THEN g.deal_id
      WHEN g.company IS NOT NULL AND coalesce(g.created_on, g.expected_close) IS NOT NULL THEN 'made-' || left(
        sha256(concat_ws('|', lower(g.company), coalesce(g.created_on, g.expected_close))), 16
      )
    END AS deal_id,
    coalesce(g.currency_text, g.amount_code, v.usual_currency) AS currency,
    CASE WHEN g.chance > 1 AND g.chance <= 100 THEN g.chance / 100 ELSE g.chance END AS share,
    regexp_matches(
      lower(coalesce(g.deal_id, g.company, '')),
      '^(grand ?total|sub ?total|totals?|sum|summe|gesamt|gesamtsumme|zwischensumme)\b'
    ) AND g.deal_stage IS NULL AS is_total
  FROM vendor_rows v
  LEFT JOIN gathered g ON g.log_seq = v.log_seq AND g.position = v.position
),
counted AS (
  SELECT
    *,
    count(*) FILTER (NOT coalesce(is_total, false)) OVER (PARTITION BY request_id, deal_id) AS copies
  FROM keyed
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN is_total THEN 'total_row'
      WHEN key_error THEN 'error_cell'
      WHEN lost_digits THEN 'id_lost_digits'
      WHEN deal_id IS NULL THEN 'deal_id_missing'
      WHEN copies > 1 THEN 'duplicate_key'
      WHEN deal_stage IS NULL THEN 'stage_missing'
      WHEN amount_text IS NOT NULL AND TRY_CAST(amount_number AS DECIMAL(15, 2)) IS NULL
        THEN 'amount_not_a_number'
      WHEN probability_text IS NOT NULL AND chance IS NULL THEN 'probability_not_a_number'
      WHEN share NOT BETWEEN 0 AND 1 THEN 'probability_out_of_range'
      WHEN close_text IS NOT NULL AND expected_close IS NULL THEN 'expected_close_not_a_date'
      WHEN created_text IS NOT NULL AND created_on IS NULL THEN 'created_on_not_a_date'
      WHEN updated_text IS NOT NULL AND updated_on IS NULL THEN 'updated_on_not_a_date'
      WHEN coalesce(created_on, expected_close) IS NULL THEN 'date_missing'
      WHEN currency IS NULL OR NOT regexp_full_match(currency, '[A-Z]{3}') THEN 'currency_missing'
      WHEN amount_code <> currency THEN 'currency_contradicts'
    END AS rule
  FROM counted
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  deal_id AS entity_id,
  coalesce(created_on, expected_close) AS date,
  deal_id, company, deal_stage,
  TRY_CAST(amount_number AS DECIMAL(15, 2)) AS amount,
  currency,
  TRY_CAST(share AS DECIMAL(5, 4)) AS probability,
  expected_close, created_on, updated_on, owner, booking_id,
  CAST(
    100
    - CASE WHEN amount_number IS NULL THEN 20 ELSE 0 END
    - CASE WHEN synthetic THEN 20 ELSE 0 END
    - CASE WHEN typed_as_text THEN 10 ELSE 0 END
    - CASE WHEN any_error THEN 10 ELSE 0 END
    - CASE WHEN chance > 1 THEN 10 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN page_text
    WHEN rule IS NOT NULL THEN CAST(r AS VARCHAR)
  END AS record
FROM judged
