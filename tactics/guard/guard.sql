-- What runs around the checks.

-- name: create_settings
-- The limits that are configured.
CREATE OR REPLACE TEMP VIEW settings AS
SELECT CAST($credit_percent AS DOUBLE) AS credit_percent;

-- name: create_channels
-- Every name a channel may be written as.
CREATE OR REPLACE TEMP TABLE channels AS
SELECT entry.name, entry.channel, entry.family
FROM (SELECT unnest($rows) AS entry);

-- name: summarize
-- Per org: how many rows offend, and the first of them in the order of their columns.
SELECT org_id, count(*) AS offending_rows, min(offending, $examples) AS examples
FROM $check AS offending
GROUP BY org_id
ORDER BY org_id
