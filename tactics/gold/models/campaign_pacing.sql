-- grain: line (a booking that is not cancelled), or a campaign that delivers without a booking
-- units: impressions counts (expected, required, recent, projected: fractions allowed); goal_* in units
--        of `goal`; days, both ends inclusive; booking_revenue and booked_spend in `currency`,
--        actual_spend in `spend_currency`; percent 0-100; as_of is the data watermark, never today.
--        Nothing is rounded here
-- source: steps lines, watermarks, line_plans, line_totals, line_versions, unplanned
-- part: org
-- A line is paced by its goal and by its plan: the formulas get the goal's units for impressions and
-- the plan's weighted days for calendar days. For impressions spread evenly these are the same.
WITH facts AS (
    SELECT
        l.*,
        w.as_of, w.first_day, w.newest_as_of, w.loaded, w.provisional, w.final_after_days,
        w.sources AS feeding_sources,
        t.* EXCLUDE (line_no),
        EXISTS (SELECT 1 FROM line_sources AS s WHERE s.line_no = l.line_no AND s.named) AS platform_known,
        p.* EXCLUDE (line_no),
        v.* EXCLUDE (line_no),
        -- A make-good is free: its delivery counts, its cost does not.
        -- The cost of a campaign that no source knows is unknown, not zero: it would look all margin.
        CASE
            WHEN l.make_good_for IS NOT NULL THEN 0
            WHEN t.found THEN t.spend
        END::DECIMAL(15, 2) AS actual_spend,
        coalesce(l.goal_booked, 0) > 0 AS booked
    FROM lines AS l
    JOIN line_totals AS t ON t.line_no = l.line_no
    JOIN line_plans AS p ON p.line_no = l.line_no
    LEFT JOIN line_versions AS v ON v.line_no = l.line_no
    LEFT JOIN watermarks AS w ON w.line_no = l.line_no
),

gaps AS (
    SELECT
        *,
        total_days - elapsed_days AS remaining_days,
        CASE
            WHEN flight_start IS NULL OR flight_end IS NULL THEN 'flight dates missing'
            WHEN total_days IS NULL THEN 'flight ends before it starts'
            WHEN as_of IS NULL THEN 'no closed day loaded'
            WHEN as_of < flight_start THEN NULL
            WHEN first_day > flight_start
                THEN format('delivery before {} is not loaded: raise history_days', first_day::VARCHAR)
            WHEN NOT found AND NOT platform_known THEN 'campaign not found in any source'
            WHEN goal = 'spend' AND (delivered_units IS NULL OR spend_currency <> currency)
                THEN format('budget in {}, spend in {}: not compared', currency, currencies)
        END AS gap
    FROM facts
),

measured AS (
    SELECT
        g.*,
        {{ elapsed_percent }} AS elapsed_percent_value,
        CASE WHEN gap IS NULL AND booked THEN to_date.delivery_percent END AS delivery_percent_value,
        CASE WHEN gap IS NULL AND booked THEN to_date.expected END AS expected_value,
        CASE WHEN gap IS NULL AND booked AND elapsed_days > 0 THEN to_date.pacing_rate END AS pacing_rate_value,
        CASE WHEN gap IS NULL AND booked THEN to_date.variance END AS variance_value,
        CASE WHEN gap IS NULL AND booked AND remaining_days > 0 THEN to_go.required END AS required_value,
        CASE WHEN gap IS NULL AND remaining_days > 0 THEN to_go.required_vs_recent END
            AS required_vs_recent_value,
        CASE WHEN gap IS NULL AND elapsed_days > 0 AND currency = spend_currency THEN budget.pacing_rate END
            AS spend_pacing_rate_value,
        CASE
            WHEN gap IS NULL AND booked AND elapsed_days > 0 AND currency = coalesce(spend_currency, currency)
                THEN {{ margin_percent }}
        END AS margin_percent_value,
        CASE WHEN gap IS NULL THEN recent_units / nullif(recent_days, 0) END AS recent_daily_units,
        CASE WHEN gap IS NULL THEN recent_impressions / nullif(recent_days, 0) END AS recent_daily_impressions,
        CASE WHEN gap IS NULL THEN recent_spend / nullif(recent_days, 0) END AS recent_daily_spend,
        -- In the last fifth of the flight the bands are half as wide: too little time is left to mend.
        CASE WHEN remaining_days <= total_days * 0.2 THEN 0.5 ELSE 1 END AS band,
        CASE WHEN booked THEN greatest(delivered_units - goal_booked, 0) ELSE 0 END AS over_delivery
    FROM gaps AS g
    CROSS JOIN LATERAL (
        SELECT
            {{ delivery_percent }} AS delivery_percent, {{ expected_impressions }} AS expected,
            {{ pacing_rate }} AS pacing_rate, {{ variance }} AS variance
        FROM (
            SELECT
                g.delivered_units::DOUBLE AS delivered_impressions, g.goal_booked::DOUBLE AS booked_impressions,
                g.planned_days AS total_days, g.planned_elapsed_days AS elapsed_days
        ) AS goal_to_date
    ) AS to_date
    CROSS JOIN LATERAL (
        SELECT {{ required_daily_impressions }} AS required, {{ required_vs_recent }} AS required_vs_recent
        FROM (
            SELECT
                g.delivered_units::DOUBLE AS delivered_impressions, g.goal_booked::DOUBLE AS booked_impressions,
                g.recent_units::DOUBLE / nullif(g.recent_days, 0) AS recent_daily_impressions,
                g.planned_remaining_days AS total_days, 0 AS elapsed_days
        ) AS goal_to_go
    ) AS to_go
    CROSS JOIN LATERAL (
        SELECT {{ pacing_rate }} AS pacing_rate
        FROM (
            SELECT
                g.spend::DOUBLE AS delivered_impressions, g.booked_spend::DOUBLE AS booked_impressions,
                g.planned_days AS total_days, g.planned_elapsed_days AS elapsed_days
        ) AS budget_to_date
    ) AS budget
),

judged AS (
    SELECT
        *,
        -- Rounded so that a deviation of exactly one band is not pushed over it by floating point.
        round(abs(pacing_rate_value - 100), 6) AS deviation,
        CASE
            WHEN NOT booked THEN 'unbooked'
            WHEN gap IS NOT NULL THEN 'no_data'
            WHEN elapsed_days = 0 AND flight_start <= today THEN 'starting'
            WHEN elapsed_days = 0 THEN 'scheduled'
            WHEN remaining_days > 0 AND expected_value = 0 THEN 'hiatus'
            WHEN remaining_days = 0 AND round(delivery_percent_value - 100, 6) < -$watch_percent * band
                THEN 'under_delivered'
            WHEN remaining_days = 0 AND round(delivery_percent_value - 100, 6) > $watch_percent * band
                THEN 'over_delivered'
            WHEN remaining_days = 0 THEN 'delivered'
            WHEN elapsed_days < $min_elapsed_days OR expected_value < CASE goal WHEN 'impressions' THEN $min_expected_impressions ELSE $min_expected_units END
                THEN 'too_early'
            WHEN deviation <= $watch_percent * band THEN 'on_pace'
            WHEN deviation <= $warn_percent * band THEN 'watch'
            WHEN deviation <= $critical_percent * band THEN 'warn'
            WHEN deviation <= $broken_percent * band THEN 'critical'
            ELSE 'broken'
        END AS status,
        coalesce(required_value > $reach_factor * recent_daily_units, false) AS unreachable,
        CASE WHEN remaining_days > 0 THEN delivered_units + $reach_factor * recent_daily_units * active_remaining_days END
            AS reachable_units,
        -- As the whole flight went, by its plan: delivered / expected * booked.
        CASE WHEN gap IS NULL THEN delivered_units / nullif(planned_elapsed_days, 0) * planned_days END
            AS projected_units_linear,
        CASE
            WHEN elapsed_days > 0 AND is_planned THEN projected_units_linear
            WHEN elapsed_days > 0 THEN delivered_units + recent_daily_units * remaining_days
        END AS projected_units
    FROM measured
),

booked_lines AS (
    SELECT
        $org_id AS org_id,
        coalesce(sources, CASE WHEN platform_known THEN feeding_sources END, platform) AS source,
        account_ids AS account_id,
        coalesce(campaign_ids, campaign_id) AS campaign_id,
        coalesce(campaign_name, campaign) AS campaign_name,
        booking_id, client,
        coalesce(channel, delivered_channel) AS channel,
        flight_start, flight_end, total_days, elapsed_days,
        elapsed_percent_value AS elapsed_percent,
        booked_impressions, delivered_impressions,
        delivery_percent_value AS delivery_percent,
        CASE WHEN goal = 'impressions' THEN expected_value END AS expected_impressions,
        pacing_rate_value AS pacing_rate,
        variance_value AS variance,
        CASE WHEN goal = 'impressions' THEN required_value END AS required_daily_impressions,
        recent_daily_impressions,
        required_vs_recent_value AS required_vs_recent, unreachable,
        CASE WHEN goal = 'impressions' THEN reachable_units END AS reachable_impressions,
        CASE WHEN goal = 'impressions' THEN projected_units END AS projected_impressions,
        CASE WHEN goal = 'impressions' THEN projected_units_linear END AS projected_impressions_linear,
        goal, goal_booked,
        CASE WHEN gap IS NULL THEN delivered_units END AS goal_delivered,
        expected_value AS goal_expected,
        required_value AS goal_required_daily,
        recent_daily_units AS goal_recent_daily,
        projected_units AS goal_projected,
        planned_elapsed_days / nullif(planned_days, 0) * 100 AS planned_percent,
        booked_spend,
        spend_pacing_rate_value AS spend_pacing_rate,
        CASE WHEN goal = 'impressions' THEN spend_pacing_rate_value / nullif(pacing_rate_value, 0) END AS ecpm_drift,
        replanned_on,
        over_delivery,
        early_impressions + late_impressions AS out_of_flight_impressions,
        open_impressions, make_good_impressions,
        status,
        CASE
            WHEN status IN ('under_delivered', 'over_delivered') THEN split_part(status, '_', 1)
            WHEN status NOT IN ('watch', 'warn', 'critical', 'broken') THEN NULL
            WHEN pacing_rate_value < 100 THEN 'under'
            ELSE 'over'
        END AS direction,
        coalesce(provisional, false) AS provisional,
        CASE WHEN provisional AND remaining_days = 0 THEN flight_end + final_after_days + 1 END
            AS provisional_until,
        booking_revenue, currency, actual_spend, spend_currency,
        outside_spend AS out_of_flight_spend,
        recent_daily_spend,
        margin_percent_value AS margin_percent,
        make_good_for, as_of,
        describe_line_freshness(as_of, flight_end, today) AS freshness,
        nullif(concat_ws('; ',
            gap,
            CASE WHEN NOT booked AND spend <> 0 THEN format('unplanned spend {:,.2f} {}', spend::DOUBLE, spend_currency) END,
            CASE WHEN platform IS NOT NULL AND NOT platform_known THEN format('no source is called {}', platform) END,
            CASE WHEN platform_known AND NOT found AND gap IS NULL AND elapsed_days > 0
                THEN format('campaign not found in {}', feeding_sources) END,
            CASE WHEN by_name THEN 'matched by campaign name' END,
            CASE WHEN overlapping IS NOT NULL
                THEN format('flight overlaps {}: shared days are split by plan', overlapping) END,
            CASE WHEN early_impressions <> 0 THEN format('delivery before flight: {:,} impressions', early_impressions) END,
            CASE WHEN late_impressions <> 0 THEN format('delivery after flight: {:,} impressions', late_impressions) END,
            CASE WHEN hiatus_units <> 0 THEN format('delivery in hiatus: {:,} {}', hiatus_units::BIGINT, goal) END,
            CASE WHEN replanned_on IS NOT NULL THEN rtrim(format('replanned on {}: {}', replanned_on, replanned), ': ') END,
            CASE WHEN newest_as_of > as_of THEN format('sources loaded unevenly: {}', loaded) END,
            CASE WHEN over_delivery > 0 AND remaining_days > 0
                THEN format('booked {} reached, {:,} over', goal, over_delivery::BIGINT) END,
            CASE WHEN unreachable THEN format(
                'unreachable: {:,} a day needed, at most {:,} likely',
                ceil(required_value)::BIGINT, ($reach_factor * recent_daily_units)::BIGINT
            ) END,
            CASE WHEN credited_impressions * 100 > delivered_impressions + credited_impressions
                THEN format('credits of {:,} impressions', credited_impressions::BIGINT) END,
            CASE WHEN credited_spend * 100 > spend + credited_spend
                THEN format('credits of {} {}', credited_spend::VARCHAR, spend_currency) END,
            CASE WHEN spend IS NULL THEN format('spend in several currencies ({}): not summed', currencies)
                WHEN spend_currency <> currency AND booking_revenue IS NOT NULL
                    THEN format('margin unknown: revenue in {}, spend in {}', currency, spend_currency) END,
            CASE WHEN make_good_for IS NOT NULL THEN concat(
                'make-good for ', make_good_for,
                CASE WHEN spend <> 0 THEN format(', {:,.2f} {} not counted as cost', spend::DOUBLE, spend_currency) END
            ) END,
            deal_finding, currency_finding,
            CASE WHEN timezones <> timezone THEN format('days are those of {}, not of {}', timezones, timezone) END
        ), '') AS findings
    FROM judged
),

unbooked_campaigns AS (
    SELECT
        $org_id AS org_id, u.source, u.account_id, u.campaign_id, u.campaign_name, u.channel,
        u.delivered_impressions, u.provisional, u.as_of,
        false AS unreachable, 0 AS over_delivery, 0 AS out_of_flight_impressions, 0 AS open_impressions,
        0 AS make_good_impressions,
        'unbooked' AS status,
        u.currency, u.spend AS actual_spend, u.currency AS spend_currency,
        describe_freshness(u.as_of, o.today) AS freshness,
        format('unplanned spend {:,.2f} {} since {}', u.spend::DOUBLE, u.currency, $unplanned_from::VARCHAR)
            AS findings
    FROM unplanned AS u
    JOIN orgs AS o ON o.org_id = $org_id
)

SELECT * FROM booked_lines
UNION ALL BY NAME
SELECT * FROM unbooked_campaigns
