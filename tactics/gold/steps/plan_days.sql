-- grain: line, day of its flight; only of lines that are not spread evenly
-- units: weight, relative to the other days of the line; 0 where nothing is planned
-- source: lines
-- A hiatus is days or spans of days, a plan seven weights from Monday on, or segments: each a first day
-- and its share, which the days of the segment divide evenly. A flight that starts during a day has
-- that day in part. Flights longer than ten years are left even.
WITH planned AS (
    SELECT
        line_no, flight_start, flight_end, start_share,
        string_split(hiatus, ', ') AS pauses,
        CASE WHEN plan LIKE 'weekdays %' THEN string_split(plan, ' ')[2:]::DOUBLE[] END AS weekdays,
        CASE WHEN plan LIKE 'segments %' THEN string_split(plan, ' ')[2:] END AS segments
    FROM lines
    WHERE total_days <= 3660 AND (hiatus IS NOT NULL OR plan IS NOT NULL OR start_share < 1)
),

days AS (
    SELECT
        * EXCLUDE (pauses, segments),
        len(list_filter(
            pauses, lambda pause: day BETWEEN left(pause, 10)::DATE AND right(pause, 10)::DATE
        )) > 0 AS is_pause,
        -- the last segment that has begun; before the first one nothing is planned
        list_max(list_filter(
            list_transform(range(1, len(segments), 2), lambda place: {
                'start': segments[place]::DATE, 'share': segments[place + 1]::DOUBLE
            }),
            lambda segment: segment.start <= day
        )) AS segment,
        segments IS NOT NULL AS has_segments
    FROM (
        SELECT *, unnest(generate_series(flight_start, flight_end, INTERVAL 1 DAY))::DATE AS day FROM planned
    )
),

active AS (
    SELECT
        line_no, day, weekdays, has_segments, segment,
        CASE
            WHEN coalesce(is_pause, false) THEN 0
            WHEN day = flight_start THEN start_share
            ELSE 1
        END::DOUBLE AS part
    FROM days
)

SELECT
    line_no, day,
    coalesce(CASE
        WHEN weekdays IS NOT NULL THEN part * weekdays[isodow(day)]
        WHEN has_segments
            THEN segment.share * part / nullif(sum(part) OVER (PARTITION BY line_no, segment.start), 0)
        ELSE part
    END, 0) AS weight
FROM active
