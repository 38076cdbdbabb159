-- Statements of a build that belong to no single table.

-- name: create_coverage
-- The ledger of this build, one row per covered day.
CREATE OR REPLACE TEMP TABLE coverage AS
SELECT
    unnest($org_ids::VARCHAR[]) AS org_id,
    unnest($sources::VARCHAR[]) AS source,
    unnest($account_ids::VARCHAR[]) AS account_id,
    unnest($streams::VARCHAR[]) AS stream,
    unnest($days::DATE[]) AS day,
    unnest($finalities::VARCHAR[]) AS finality,
    unnest($fetched_ats::TIMESTAMPTZ[]) AS fetched_at;

-- name: create_streams
-- The configured streams and the silver table that each fills.
CREATE OR REPLACE TEMP TABLE streams AS
SELECT
    unnest($org_ids::VARCHAR[]) AS org_id,
    unnest($sources::VARCHAR[]) AS source,
    unnest($kinds::VARCHAR[]) AS kind,
    unnest($streams::VARCHAR[]) AS stream,
    unnest($tables::VARCHAR[]) AS table_name,
    unnest($snapshots::BOOLEAN[]) AS snapshot,
    unnest($final_after_days::INTEGER[]) AS final_after_days,
    unnest($enabled::BOOLEAN[]) AS enabled,
    unnest($accounts::VARCHAR[][]) AS accounts;

-- name: create_account_zones
-- Where the accounts live that have a time zone of their own.
CREATE OR REPLACE TEMP TABLE account_zones AS
SELECT
    unnest($org_ids::VARCHAR[]) AS org_id,
    unnest($sources::VARCHAR[]) AS source,
    unnest($account_ids::VARCHAR[]) AS account_id,
    unnest($timezones::VARCHAR[]) AS timezone;

-- name: insert_orgs
-- The organisations of this build, with their calendar day.
INSERT INTO orgs BY NAME
SELECT
    unnest($org_ids::VARCHAR[]) AS org_id,
    unnest($names::VARCHAR[]) AS name,
    unnest($currencies::VARCHAR[]) AS currency,
    unnest($timezones::VARCHAR[]) AS timezone,
    unnest($todays::DATE[]) AS today;

-- name: create_new_rates
-- The exchange rates that this build brings.
CREATE OR REPLACE TEMP TABLE new_rates AS
SELECT
    unnest($days::DATE[]) AS date,
    unnest($currencies::VARCHAR[]) AS currency,
    unnest($rates::VARCHAR[])::DECIMAL(18, 8) AS per_eur;

-- name: delete_rates
-- Before they are written anew, and when no day of gold needs them any more.
DELETE FROM fx_rates
WHERE date < $first OR (date, currency) IN (SELECT (date, currency) FROM new_rates);

-- name: insert_rates
-- Kept from build to build: a newer file may hold fewer days.
INSERT INTO fx_rates BY NAME SELECT DISTINCT ON (date, currency) * FROM new_rates;

-- name: insert_metrics
-- The formulas this generation was built with; reports are rendered from them.
INSERT INTO metric_definitions BY NAME
SELECT unnest($names::VARCHAR[]) AS name, unnest($expressions::VARCHAR[]) AS expression;

-- name: insert_generation
-- Which file this is and what made it.
INSERT INTO generation BY NAME
SELECT
    $number AS number, $schema_version AS schema_version, $fingerprint AS fingerprint,
    $formulas AS formulas, $built_at::TIMESTAMPTZ AS built_at;

-- name: select_bases
-- What each organisation's tables were made from, as the generation before says.
SELECT unnest(map_entries(bases), recursive := true) FROM generation;

-- name: update_bases
-- What they are made from now.
UPDATE generation SET bases = map($org_ids::VARCHAR[], $bases::VARCHAR[]);

-- name: select_common_basis
-- What the tables of every organisation depend on: the exchange rates.
SELECT count(*)::VARCHAR || ' ' || coalesce(bit_xor(hash(date, currency, per_eur)), 0)::VARCHAR FROM fx_rates;

-- name: select_coverage_bases
-- The ledger by organisation, without the instants that freshness alone shows.
SELECT
    org_id,
    count(*)::VARCHAR || ' ' || bit_xor(hash(source, account_id, stream, day, finality))::VARCHAR
FROM coverage
GROUP BY org_id;

-- name: select_fingerprint
-- What the rows of a generation were made with.
SELECT fingerprint, schema_version FROM gold.generation;

-- name: select_formulas
-- What its formulas were compiled from.
SELECT formulas FROM gold.generation;

-- name: select_schema_version
-- The newest migration of a generation.
SELECT schema_version FROM gold.generation;

-- name: select_metrics
-- The formulas of a generation.
SELECT name, expression FROM gold.metric_definitions;

-- name: select_tables
-- What a person's SQL finds in gold by its plain name.
SELECT table_name FROM information_schema.tables WHERE table_catalog = 'gold';

-- name: select_orgs
-- Who is in a generation, and in which time zone they live.
SELECT org_id, timezone FROM gold.orgs;

-- name: select_zones
-- The time zones in which accounts count their days.
SELECT DISTINCT timezone FROM gold.freshness;

-- name: create_zone_days
-- The calendar day in each of these time zones at the time of reading.
CREATE OR REPLACE TEMP TABLE zone_days AS
SELECT unnest($timezones::VARCHAR[]) AS timezone, unnest($todays::DATE[]) AS today;

-- name: create_reading_days
-- The calendar day of each organisation at the time of reading.
CREATE OR REPLACE TEMP TABLE reading_days AS
SELECT unnest($org_ids::VARCHAR[]) AS org_id, unnest($todays::DATE[]) AS today;

-- name: select_carried_columns
-- The stored columns that each table has in this generation and in the one before it.
SELECT n.table_name, string_agg('"' || n.column_name || '"', ', ' ORDER BY n.ordinal_position)
FROM information_schema.columns AS n
JOIN information_schema.columns AS o ON o.table_name = n.table_name AND o.column_name = n.column_name
WHERE n.table_catalog = current_database() AND n.is_generated = 'NEVER' AND o.table_catalog = 'previous'
GROUP BY n.table_name;

-- name: create_new_bookings
-- Booked campaigns whose days were not kept before.
CREATE OR REPLACE TEMP TABLE new_bookings AS
SELECT DISTINCT source, account_id, campaign_id
FROM line_campaigns AS m
ANTI JOIN (FROM booked_campaigns WHERE org_id = $org_id) AS b USING (source, account_id, campaign_id);

-- name: delete_unbooked_days
-- Days of campaigns that no booking means any more.
DELETE FROM booked_days
WHERE org_id = $org_id
    AND (source, account_id, campaign_id) NOT IN (
        SELECT (source, account_id, campaign_id) FROM line_campaigns
    );

-- name: delete_changed_days
-- The booked days of one changed window.
DELETE FROM booked_days WHERE org_id = $org_id AND date BETWEEN $start AND $end;

-- name: insert_changed_days
-- The same window from ad_daily, for campaigns that were booked before.
INSERT INTO booked_days BY NAME
SELECT
    a.org_id, a.source, a.account_id, a.campaign_id, a.channel, a.date, a.currency,
    a.impressions, a.clicks, a.conversions, a.video_views, a.spend
FROM ad_daily AS a
SEMI JOIN line_campaigns AS m USING (source, account_id, campaign_id)
ANTI JOIN new_bookings AS n USING (source, account_id, campaign_id)
WHERE a.org_id = $org_id AND a.date BETWEEN $start AND $end;

-- name: insert_new_days
-- All days of the campaigns that are booked for the first time: the one scan of ad_daily.
INSERT INTO booked_days BY NAME
SELECT
    a.org_id, a.source, a.account_id, a.campaign_id, a.channel, a.date, a.currency,
    a.impressions, a.clicks, a.conversions, a.video_views, a.spend
FROM ad_daily AS a
JOIN new_bookings AS n USING (source, account_id, campaign_id)
WHERE a.org_id = $org_id;

-- name: delete_booked_campaigns
-- Before the list is written anew.
DELETE FROM booked_campaigns WHERE org_id = $org_id;

-- name: insert_booked_campaigns
-- The campaigns for which booked_days is complete now.
INSERT INTO booked_campaigns BY NAME
SELECT DISTINCT $org_id AS org_id, source, account_id, campaign_id FROM line_campaigns;

-- name: select_unplanned_from
-- The first of the organisation's last 28 closed days.
SELECT max(run_end) - 27 FROM coverage_runs WHERE table_name = 'ad_performance';
