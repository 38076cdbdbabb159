-- check: delivery_outside_flight
-- severity: warn
-- needs: ad_performance, bookings
-- message: a booked campaign delivered outside of its flights
-- hint: it counts for no line: move the flight in the sheet, or stop the campaign
-- One row per campaign: the days, impressions and spend that belong to no booking.
WITH flights AS (
    SELECT org_id, nullif(lower(trim(platform)), '') AS platform, campaign_id, flight_start, flight_end
    FROM bookings
    WHERE trim(campaign_id) <> ''
        AND NOT coalesce(lower(trim(status)) LIKE 'cancel%', false)
),

delivered AS (
    SELECT
        org_id, source, account_id, campaign_id, date, currency,
        sum(impressions)::BIGINT AS impressions,
        sum(spend) AS spend
    FROM ad_performance
    SEMI JOIN flights USING (org_id, campaign_id)
    WHERE impressions > 0 OR spend > 0
    GROUP BY ALL
),

-- Hashed on the campaign first: a platform that is left open would make it a nested loop.
matched AS (
    SELECT
        d.*,
        f.platform IS NULL OR f.platform = d.source AS booked,
        d.date BETWEEN f.flight_start AND f.flight_end AS in_flight
    FROM delivered AS d
    INNER JOIN flights AS f ON f.org_id = d.org_id AND f.campaign_id = d.campaign_id
),

days AS (
    SELECT org_id, source, account_id, campaign_id, date, currency, impressions, spend
    FROM matched
    WHERE booked
    GROUP BY ALL
    HAVING NOT bool_or(in_flight)
)

SELECT
    org_id, source, account_id, campaign_id,
    min(date) AS first_day,
    max(date) AS last_day,
    count(*) AS days,
    sum(impressions)::BIGINT AS impressions,
    sum(spend) AS spend,
    currency
FROM days
GROUP BY org_id, source, account_id, campaign_id, currency
