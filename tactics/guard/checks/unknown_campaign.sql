-- check: unknown_campaign
-- severity: warn
-- needs: ad_performance, bookings
-- message: a booked campaign has never delivered although its flight has begun
-- hint: check campaign_id in the sheet: a typing error looks like a campaign without delivery
-- Only where its platform is loaded beyond the first day of the flight; without a platform, where
-- any ad source is.
WITH watermarks AS (
    SELECT org_id, source, max(day) AS newest_day
    FROM coverage
    SEMI JOIN (SELECT DISTINCT org_id, source FROM ad_performance) AS ads USING (org_id, source)
    GROUP BY org_id, source
),

started AS (
    SELECT b.*
    FROM bookings AS b
    SEMI JOIN watermarks AS w
        ON w.org_id = b.org_id
        AND w.source = coalesce(nullif(lower(trim(b.platform)), ''), w.source)
        AND w.newest_day > b.flight_start
    WHERE trim(b.campaign_id) <> ''
        AND NOT coalesce(lower(trim(b.status)) LIKE 'cancel%', false)
)

SELECT
    s.org_id, s.source, s.account_id, s.booking_id, s.platform, s.campaign_id, s.campaign,
    s.flight_start, s.flight_end, s.sheet_row
FROM started AS s
ANTI JOIN (SELECT DISTINCT org_id, source, campaign_id FROM ad_performance) AS a
    ON a.org_id = s.org_id
    AND a.campaign_id = s.campaign_id
    AND a.source = coalesce(nullif(lower(trim(s.platform)), ''), a.source)
