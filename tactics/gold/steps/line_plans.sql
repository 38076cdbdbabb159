-- grain: line
-- units: planned_days and planned_elapsed_days weigh the days of a flight by its plan: only their
--        ratio means something, and for an even line they are total_days and elapsed_days;
--        planned_remaining_days is what remains in units of the next planned day, so that dividing by
--        it says what that day must bring; active and recent days are those with anything planned
-- source: lines, watermarks, plan_days, delivery
WITH weighed AS (
    SELECT
        p.line_no,
        sum(p.weight) AS planned_days,
        coalesce(sum(p.weight) FILTER (WHERE p.day <= w.as_of), 0) AS planned_elapsed_days,
        arg_min(p.weight, p.day) FILTER (WHERE p.weight > 0 AND (w.as_of IS NULL OR p.day > w.as_of)) AS next_weight,
        coalesce(sum(p.weight) FILTER (WHERE w.as_of IS NULL OR p.day > w.as_of), 0) AS remaining_weight,
        count(*) FILTER (WHERE p.weight > 0 AND (w.as_of IS NULL OR p.day > w.as_of)) AS active_remaining_days,
        count(*) FILTER (
            WHERE p.weight > 0 AND p.day <= w.as_of AND p.day > least(w.as_of, l.flight_end) - 7
        ) AS recent_days
    FROM plan_days AS p
    JOIN lines AS l ON l.line_no = p.line_no
    LEFT JOIN watermarks AS w ON w.line_no = p.line_no
    GROUP BY p.line_no
),

paused AS (
    SELECT d.line_no, sum(d.units) AS hiatus_units
    FROM delivery AS d
    JOIN plan_days AS p ON p.line_no = d.line_no AND p.day = d.date
    WHERE d.kind = 'flight' AND p.weight = 0
    GROUP BY d.line_no
),

elapsed AS (
    SELECT
        l.line_no, l.total_days,
        CASE
            WHEN w.as_of IS NOT NULL AND l.total_days IS NOT NULL
                THEN greatest(least(w.as_of, l.flight_end) - l.flight_start + 1, 0)::INTEGER
        END AS elapsed_days
    FROM lines AS l
    LEFT JOIN watermarks AS w ON w.line_no = l.line_no
)

SELECT
    e.line_no,
    e.elapsed_days,
    coalesce(g.planned_days, e.total_days) AS planned_days,
    CASE WHEN e.elapsed_days IS NOT NULL THEN coalesce(g.planned_elapsed_days, e.elapsed_days) END
        AS planned_elapsed_days,
    CASE WHEN g.line_no IS NULL THEN e.total_days - e.elapsed_days ELSE g.remaining_weight / g.next_weight END
        AS planned_remaining_days,
    coalesce(g.active_remaining_days, e.total_days - e.elapsed_days) AS active_remaining_days,
    coalesce(g.recent_days, least(e.elapsed_days, 7)) AS recent_days,
    g.line_no IS NOT NULL AS is_planned,
    coalesce(p.hiatus_units, 0) AS hiatus_units
FROM elapsed AS e
LEFT JOIN weighed AS g ON g.line_no = e.line_no
LEFT JOIN paused AS p ON p.line_no = e.line_no
