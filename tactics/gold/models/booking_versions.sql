-- grain: org, source, account (spreadsheet), booking, version
-- units: booked_* counts, money in `currency`; days inclusive, valid_to NULL while it is in force
-- source: silver.bookings_history
-- part: org
-- A version begins on the day on which the sheet was first read with it; edits that were undone before
-- the next reading leave no trace.
WITH readings AS (
    SELECT
        *,
        concat_ws('|',
            coalesce(flight_start::VARCHAR, '-'), coalesce(flight_end::VARCHAR, '-'),
            coalesce(goal, '-'), coalesce(booked_impressions::VARCHAR, '-'),
            coalesce(booked_clicks::VARCHAR, '-'), coalesce(booked_views::VARCHAR, '-'),
            coalesce(booked_conversions::VARCHAR, '-'), coalesce(booked_spend::VARCHAR, '-'),
            coalesce(booking_revenue::VARCHAR, '-'), coalesce(currency, '-'),
            coalesce(hiatus, '-'), coalesce(plan, '-'), start_share::VARCHAR
        ) AS terms
    FROM silver_bookings_history
    WHERE org_id = $org_id
),

changes AS (
    SELECT *
    FROM readings
    QUALIFY terms IS DISTINCT FROM lag(terms) OVER (
        PARTITION BY source, account_id, booking_id ORDER BY date
    )
)

SELECT
    org_id, source, account_id, booking_id,
    row_number() OVER booking AS version,
    date AS valid_from,
    lead(date) OVER booking - 1 AS valid_to,
    flight_start, flight_end, goal, booked_impressions, booked_clicks, booked_views, booked_conversions,
    booked_spend, booking_revenue, currency, hiatus, plan, start_share
FROM changes
WINDOW booking AS (PARTITION BY source, account_id, booking_id ORDER BY date)
