-- check: channel_consistency
-- severity: error
-- message: a booking names an unknown channel, or a campaign has more than one
-- hint: name one channel per campaign: affiliate, app, audio, ctv, display, dooh, email, influencer, native, performance_max, print, programmatic, radio, search, shopping, sms, social, tv, video, youtube
-- A booking may leave its channel open, and may name a format or another channel of the family (a
-- social campaign booked as video); rows of a platform may do neither. A campaign id is only
-- unique within its platform; a booking that names none belongs to the source that delivers the id.
-- A channel of a platform that nobody knows is the check unknown_ad_channel's.
WITH named AS (
    SELECT
        org_id, source, account_id, 'ad_performance' AS table_name, campaign_id,
        channel, source AS platform, count(*) AS records
    FROM ad_performance
    GROUP BY org_id, source, account_id, campaign_id, channel
    UNION ALL BY NAME
    SELECT
        org_id, source, account_id, 'bookings' AS table_name, campaign_id,
        channel, lower(trim(platform)) AS platform, booking_id, 1 AS records
    FROM bookings
    WHERE trim(channel) <> ''
),

known AS (
    SELECT
        n.* EXCLUDE (platform), c.channel AS canonical, c.family,
        coalesce(nullif(n.platform, ''), max(n.platform) OVER same_id) AS platform
    FROM named AS n
    LEFT JOIN channels AS c
        ON c.name = lower(regexp_replace(trim(n.channel), '[\s_-]+', '_', 'g'))
    WINDOW same_id AS (PARTITION BY n.org_id, n.campaign_id)
),

campaigns AS (
    SELECT
        *,
        min(canonical) FILTER (table_name = 'ad_performance') OVER campaign AS least,
        max(canonical) FILTER (table_name = 'ad_performance') OVER campaign AS most,
        min(family) OVER campaign AS least_family,
        max(family) OVER campaign AS most_family
    FROM known
    WINDOW campaign AS (PARTITION BY org_id, platform, campaign_id)
)

SELECT
    org_id, source, account_id, table_name, campaign_id, booking_id, channel, records,
    CASE WHEN canonical IS NULL AND table_name = 'bookings' THEN 'unknown channel' ELSE 'more than one channel' END AS problem
FROM campaigns
WHERE (canonical IS NULL AND table_name = 'bookings')
    OR (trim(campaign_id) <> '' AND (least <> most OR least_family <> most_family))
