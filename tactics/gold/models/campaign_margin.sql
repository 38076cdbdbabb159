-- grain: line (a booking that is not cancelled)
-- units: money in `currency`; percent 0-100. NULL wherever spend is in another currency
-- source: gold.campaign_pacing
-- part: org
-- Fixed-price lines: revenue is earned with delivery and capped at what was booked, so that
-- over-delivery costs and earns nothing (`margin_at_risk`).
WITH lines AS (
    SELECT
        *,
        booking_revenue * least(goal_delivered, goal_booked) / nullif(goal_booked, 0) AS earned,
        CASE
            WHEN make_good_for IS NOT NULL THEN 0
            WHEN elapsed_days > 0 THEN actual_spend + recent_daily_spend * (total_days - elapsed_days)
        END AS projected
    FROM campaign_pacing
    WHERE org_id = $org_id AND booking_id IS NOT NULL
),

plain AS (
    SELECT * EXCLUDE (earned, projected), earned AS earned_revenue, projected AS projected_spend,
        margin_percent IS NOT NULL AS known
    FROM lines
)

SELECT
    p.org_id, p.source, p.account_id, p.campaign_id, p.campaign_name, p.booking_id, p.client, p.channel,
    p.flight_start, p.flight_end, p.status, p.booking_revenue, p.currency, p.actual_spend,
    p.spend_currency, p.out_of_flight_spend,
    CASE WHEN p.known THEN p.booking_revenue - p.actual_spend END AS margin_amount,
    p.margin_percent,
    CASE WHEN p.known THEN (p.booking_revenue - p.actual_spend) / nullif(p.actual_spend, 0) * 100 END
        AS markup_percent,
    CASE WHEN p.known THEN p.earned_revenue END AS earned_revenue,
    CASE WHEN p.known THEN e.margin END AS earned_margin_percent,
    p.projected_spend,
    CASE WHEN p.known THEN f.margin END AS projected_margin_percent,
    CASE
        WHEN p.known AND p.goal_projected > p.goal_booked
            THEN p.projected_spend * (p.goal_projected - p.goal_booked) / p.goal_projected
        WHEN p.known AND p.projected_spend IS NOT NULL THEN 0
    END AS margin_at_risk,
    p.as_of, p.freshness, p.findings
FROM plain AS p
CROSS JOIN LATERAL (
    SELECT {{ margin_percent }} AS margin
    FROM (SELECT p.earned_revenue AS booking_revenue, p.actual_spend AS actual_spend) AS earned
) AS e
CROSS JOIN LATERAL (
    SELECT {{ margin_percent }} AS margin
    FROM (SELECT p.booking_revenue AS booking_revenue, p.projected_spend AS actual_spend) AS planned
) AS f
