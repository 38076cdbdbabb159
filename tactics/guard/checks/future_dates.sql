-- check: future_dates
-- severity: error
-- month: date
-- message: a record is dated after it was fetched
-- hint: a date was read in the wrong order (day and month), or the platform's clock is wrong
-- No time zone is more than a day ahead of UTC: a date may be the day after the fetch, not later.
-- Compared as numbers, because casting 10 M instants to dates takes a second. Flights and closing
-- dates may be in the future.
WITH dated AS (
    SELECT org_id, source, account_id, table_name, entity_id, date, fetched_at
    FROM entities
    WHERE table_name NOT IN ('bookings', 'crm_deals')
    UNION ALL
    SELECT
        org_id, source, account_id, 'crm_deals' AS table_name, entity_id, created_on AS date,
        fetched_at
    FROM crm_deals
)

SELECT * EXCLUDE (fetched_at), CAST(fetched_at AS DATE) AS fetched_on
FROM dated
WHERE epoch_us(fetched_at) < (date - DATE '1970-01-01' - 1) * 86_400_000_000
