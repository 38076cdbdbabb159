-- What DataGuard reads beside the silver tables.

-- name: create_coverage
-- The ledger, one row per stream and day.
CREATE TABLE coverage AS
SELECT
    unnest($org_ids::VARCHAR[]) AS org_id,
    unnest($sources::VARCHAR[]) AS source,
    unnest($account_ids::VARCHAR[]) AS account_id,
    unnest($streams::VARCHAR[]) AS stream,
    unnest($days::DATE[]) AS day,
    unnest($finalities::VARCHAR[]) AS finality,
    unnest($request_ids::VARCHAR[]) AS request_id,
    unnest($fetched_ats::TIMESTAMPTZ[]) AS fetched_at,
    unnest($can_miss_days::BOOLEAN[]) AS can_miss_days;

-- name: create_orgs
-- The configured organisations; `today` is the calendar day where they live.
CREATE TABLE orgs AS
SELECT
    unnest($org_ids::VARCHAR[]) AS org_id,
    unnest($names::VARCHAR[]) AS name,
    unnest($currencies::VARCHAR[]) AS currency,
    unnest($timezones::VARCHAR[]) AS timezone,
    unnest($todays::DATE[]) AS today;
