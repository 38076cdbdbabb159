-- The cells of a tab, typed. bookings.sql and crm_deals.sql continue after these expressions.
-- A page is a snapshot of a tab, or a block of one: {"read", "decimal", "date_order", "columns",
-- "rows": [{"row", "cells": {column: value}, "extras": {header: value}}]}; blank cells are left out.
-- A tab that changed while it was read is there several times: the last read counts.
WITH opened AS (
  SELECT
    * EXCLUDE (payload, request),
    left(payload, 4096) AS page_text,
    coalesce(request ->> '$.options.currency', request ->> '$.account.currency') AS usual_currency,
    coalesce(TRY_CAST(request ->> '$.options.synthetic_keys' AS BOOLEAN), false) AS synthetic_keys,
    TRY(from_json(payload, '{
      "read": "INTEGER", "decimal": "VARCHAR", "date_order": "VARCHAR",
      "columns": "JSON", "rows": ["JSON"]
    }')) AS snapshot
  FROM pages
),
latest AS (
  SELECT * FROM opened
  QUALIFY snapshot IS NULL OR snapshot.read = max(snapshot.read) OVER (PARTITION BY request_id)
),
vendor_rows AS (
  SELECT
    * EXCLUDE (snapshot),
    snapshot.rows IS NULL AS undecodable,
    snapshot.decimal AS decimal_mark,
    snapshot.date_order AS date_order,
    snapshot.columns AS titles,
    unnest(CASE WHEN snapshot.rows IS NULL THEN [NULL] ELSE snapshot.rows END) AS r,
    unnest(CASE WHEN snapshot.rows IS NULL THEN [0] ELSE range(len(snapshot.rows)) END) AS position
  FROM latest
),
named AS (
  SELECT
    log_seq, position, decimal_mark, date_order,
    unnest(json_keys(r, '$.cells')) AS name
    , r
  FROM vendor_rows
  WHERE NOT undecodable
),
raw_cells AS (
  SELECT
    * EXCLUDE (r),
    json_extract(r, '$.cells.' || name) AS raw,
    json_type(r, '$.cells.' || name) NOT IN ('VARCHAR', 'BOOLEAN') AS is_number,
    trim(json_extract_string(r, '$.cells.' || name), ' ' || chr(9) || chr(10) || chr(160)) AS text
  FROM named
),
cleaned AS (
  -- money as people type it: blanks, apostrophes and a currency around it are not part of the number
  SELECT *, regexp_replace(upper(text), '[\s\x{A0}\x{202F}''\x{2019}]', '', 'g') AS tight
  FROM raw_cells
),
parted AS (
  -- the pattern stands here whole: one that is put together is compiled anew for every cell
  SELECT
    *,
    regexp_extract(
      tight,
      '^(-?)(EUR|USD|GBP|CHF|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|JPY|CNY|INR|BRL|MXN|ZAR|TRY|AED|SAR|ILS|SGD|HKD|KRW|THB|[€£$¥])?(.*?)(EUR|USD|GBP|CHF|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|JPY|CNY|INR|BRL|MXN|ZAR|TRY|AED|SAR|ILS|SGD|HKD|KRW|THB|[€£$¥])?$',
      ['sign', 'front', 'amount', 'back']
    ) AS money
  FROM cleaned
),
bare AS (
  SELECT
    *,
    CASE WHEN length(money.front) = 3 THEN money.front WHEN length(money.back) = 3 THEN money.back ELSE '' END
      AS money_code,
    money.sign || money.amount AS bare_text
  FROM parted
),
marked AS (
  SELECT
    *,
    CASE WHEN decimal_mark = ',' THEN translate(bare_text, '.,', ',.') ELSE bare_text END AS marked_text
  FROM bare
),
typed_cells AS (
  SELECT
    log_seq, position, name, text, is_number, money_code,
    regexp_full_match(text, '#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|ERROR!|SPILL!|CALC!)|Loading\.\.\.')
      AS is_error,
    -- ten decimals take up the noise of binary fractions (12.344999999999999)
    CASE
      WHEN is_number THEN TRY_CAST(text AS DECIMAL(24, 10))
      WHEN regexp_full_match(marked_text, '-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?(K|M|BN|%)?')
        THEN TRY_CAST(regexp_extract(replace(marked_text, ',', ''), '^-?\d+(\.\d+)?') AS DECIMAL(24, 10))
          * CAST(CASE
              WHEN marked_text LIKE '%K' THEN 1000.00
              WHEN marked_text LIKE '%M' THEN 1000000.00
              WHEN marked_text LIKE '%BN' THEN 1000000000.00
              WHEN marked_text LIKE '%\%' ESCAPE '\' THEN 0.01
              ELSE 1.00
            END AS DECIMAL(12, 2))
    END AS number,
    -- a serial number counts days from 1899-12-30; text is ISO or in the order of the locale
    CASE
      WHEN is_number THEN CASE WHEN TRY_CAST(text AS DOUBLE) BETWEEN 18264 AND 73050
        THEN DATE '1899-12-30' + TRY_CAST(floor(TRY_CAST(text AS DOUBLE)) AS INTEGER) END
      WHEN regexp_full_match(text, '\d{4}-\d{2}-\d{2}([T ].*)?') THEN TRY_CAST(left(text, 10) AS DATE)
      WHEN regexp_full_match(text, '\d{4}[./-]\d{1,2}[./-]\d{1,2}\.?')
        THEN TRY_CAST(regexp_replace(text, '(\d+)[./-](\d+)[./-](\d+)\.?', '\1-\2-\3') AS DATE)
      WHEN regexp_full_match(text, '\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})') THEN TRY_CAST(
        CASE WHEN length(regexp_extract(text, '\d+$')) = 2 THEN '20' ELSE '' END
        || regexp_replace(
          text,
          '(\d+)[./-](\d+)[./-](\d+)',
          CASE date_order WHEN 'MDY' THEN '\3-\1-\2' WHEN 'DMY' THEN '\3-\2-\1' ELSE 'unclear' END
        ) AS DATE)
      ELSE CAST(try_strptime(text, ['%d %b %Y', '%d %B %Y', '%b %d, %Y', '%B %d, %Y']) AS DATE)
    END AS day,
    -- a number in an id column: 1001.0 is 1001; above 2^53 a spreadsheet has lost digits
    CASE
      WHEN is_number AND abs(TRY_CAST(text AS DOUBLE)) >= 9007199254740992 THEN NULL
      WHEN is_number THEN regexp_replace(text, '\.0+$', '')
      ELSE text
    END AS id
  FROM marked
)
