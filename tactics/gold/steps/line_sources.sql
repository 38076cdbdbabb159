-- grain: line, ad source it may run on
-- units: none
-- source: lines, streams
-- The platform of a booking names a source or a kind of source; without one, or with one that no
-- source has, the line may run anywhere (`named` is false).
WITH sources AS (
    SELECT DISTINCT source, kind FROM streams WHERE org_id = $org_id AND table_name = 'ad_performance'
),

named AS (
    SELECT l.line_no, s.source
    FROM lines AS l
    JOIN sources AS s ON l.platform IN (lower(s.source), lower(s.kind))
)

SELECT line_no, source, true AS named FROM named
UNION ALL
SELECT l.line_no, s.source, false AS named
FROM lines AS l
CROSS JOIN sources AS s
WHERE l.line_no NOT IN (SELECT line_no FROM named)
