-- name: create_staging
-- What was refused, what changed.
CREATE TEMP TABLE refused (
    org_id VARCHAR, source VARCHAR, account_id VARCHAR, stream VARCHAR, table_name VARCHAR,
    rule VARCHAR, request_id VARCHAR, date DATE, record VARCHAR, fetched_at TIMESTAMPTZ,
    log_seq BIGINT, position BIGINT
);
CREATE TEMP TABLE digests (account_id VARCHAR, date DATE, rows BIGINT, digest UBIGINT, replayed BOOLEAN);

-- name: ask
-- The requests of the load: whether one was committed before, and the days asked for if those bind.
CREATE TEMP TABLE asked AS
SELECT
    unnest($request_ids::VARCHAR[]) AS request_id,
    unnest($replayed::BOOLEAN[]) AS replayed,
    unnest($starts::DATE[]) AS window_start,
    unnest($ends::DATE[]) AS window_end;

-- name: elect
-- Which fetch wins, by account and day; day NULL: the whole snapshot.
CREATE TEMP TABLE winning AS
SELECT
    unnest($account_ids::VARCHAR[]) AS account_id,
    unnest($days::DATE[]) AS day,
    unnest($request_ids::VARCHAR[]) AS request_id,
    unnest($finalities::VARCHAR[]) AS finality;

-- name: weigh_requests
-- How many pages bronze holds of each request, how large they are, and which days were asked for.
SELECT request_id, count(DISTINCT page), sum(payload_bytes)::BIGINT, min(window_start), max(window_end)
FROM read_parquet($files)
WHERE log_seq BETWEEN $first_seq AND $last_seq AND list_contains($request_ids, request_id)
GROUP BY request_id;

-- name: stage
-- Type the records of the block once. No join here: its hash table would hold the pages.
INSERT INTO staged BY NAME
SELECT records.* REPLACE (
    coalesce(rule, CASE
        WHEN entity_id IS NULL THEN 'entity_id_missing'
        WHEN date IS NULL THEN 'date_missing'
        WHEN date NOT BETWEEN DATE '2000-01-01' AND DATE '2099-12-31' THEN 'date_out_of_range'
    END) AS rule
)
FROM records;

-- name: drop_strangers
-- What the stream's SQL made of the emptied pages of other requests. Filtering earlier would be
-- pushed below the parsing (see _pages_sql).
DELETE FROM staged WHERE request_id NOT IN (SELECT unnest(getvariable('block')));

-- name: date_by_fetch
-- Of a history: what was read on a day stands under that day.
UPDATE staged SET date = asked.window_start FROM asked WHERE asked.request_id = staged.request_id;

-- name: drop_refused
-- Of a history: what is refused is in quarantine by the load of the stream's own table.
DELETE FROM staged WHERE rule IS NOT NULL;

-- name: refuse_outside_window
-- A record of a day that was not asked for would overwrite nothing and stay for ever.
UPDATE staged SET rule = 'date_outside_window' FROM asked
WHERE asked.request_id = staged.request_id AND staged.rule IS NULL
    AND staged.date NOT BETWEEN asked.window_start AND asked.window_end;

-- name: drop_duplicates
-- The same entity twice in one fetch (pages shift while they are read): the last one stays.
DELETE FROM staged WHERE rowid IN (
    SELECT row_id FROM (
        SELECT rowid AS row_id, row_number() OVER (
            PARTITION BY request_id, entity_id, date ORDER BY log_seq DESC, position DESC
        ) AS rank
        FROM staged
        WHERE rule IS NULL AND hash(request_id, entity_id, date) IN (
            SELECT hash(request_id, entity_id, date) FROM staged
            WHERE rule IS NULL GROUP BY ALL HAVING count(*) > 1
        )
    ) WHERE rank > 1
);

-- name: keep_latest
-- Of changes: the same entity in several fetches of one load; the newest stays.
DELETE FROM staged WHERE rowid IN (
    SELECT row_id FROM (
        SELECT rowid AS row_id, row_number() OVER (
            PARTITION BY account_id, entity_id ORDER BY log_seq DESC, position DESC
        ) AS rank
        FROM staged WHERE rule IS NULL
    ) WHERE rank > 1
);

-- name: find_touched
-- Of changes: which of the held files hold an entity that was fetched.
SELECT DISTINCT filename FROM read_parquet($files, filename = true) AS held
SEMI JOIN staged ON staged.account_id = held.account_id AND staged.entity_id = held.entity_id
    AND staged.rule IS NULL
WHERE held.source = getvariable('load').source AND held.stream = getvariable('load').stream;

-- name: drop_outdated
-- Of changes: records that a newer fetch has overtaken while this load was waiting.
DELETE FROM staged USING held
WHERE staged.rule IS NULL AND held.account_id = staged.account_id AND held.entity_id = staged.entity_id
    AND held.source = getvariable('load').source AND held.stream = getvariable('load').stream
    AND held.log_seq > staged.log_seq;

-- name: view_changed
-- Of changes: what is written. A record of a day that was still running may change without notice.
CREATE OR REPLACE TEMP VIEW fresh AS
SELECT staged.* EXCLUDE (rule, record, position, page)
    REPLACE (coalesce(winning.finality, 'final') AS finality)
FROM staged LEFT JOIN winning
    ON winning.request_id = staged.request_id AND winning.day = staged.date
WHERE staged.rule IS NULL;

-- name: view_replaced
-- Of changes: held rows of the same entities.
CREATE OR REPLACE TEMP VIEW overwritten AS
SELECT held.* FROM held SEMI JOIN fresh
    ON fresh.account_id = held.account_id AND fresh.entity_id = held.entity_id
    AND held.source = getvariable('load').source AND held.stream = getvariable('load').stream;

-- name: view_unchanged
-- Of changes: held rows that only move to a new file.
CREATE OR REPLACE TEMP VIEW kept AS
SELECT held.* FROM held ANTI JOIN fresh
    ON fresh.account_id = held.account_id AND fresh.entity_id = held.entity_id
    AND held.source = getvariable('load').source AND held.stream = getvariable('load').stream;

-- name: count_months
-- Of changes: the first days of the months that get rows.
SELECT DISTINCT date_trunc('month', date)::DATE FROM fresh;

-- name: count_staged
-- What is left: all, refused.
SELECT count(*), count(rule) FROM staged;

-- name: count_fresh
-- What will be written.
SELECT count(*) FROM fresh;

-- name: keep_refused
-- Refused rows wait here until all blocks are read.
INSERT INTO refused BY NAME
SELECT org_id, source, account_id, stream, getvariable('load').table_name AS table_name, rule, request_id,
    timezone('UTC', fetched_at)::DATE AS date, coalesce(record, to_json(staged)) AS record,
    fetched_at, log_seq, position
FROM staged WHERE rule IS NOT NULL;

-- name: view_fresh
-- The good rows of the block whose fetch is the newest of their day; the others are superseded.
CREATE OR REPLACE TEMP VIEW fresh AS
SELECT staged.* EXCLUDE (rule, record, position, page) REPLACE (winning.finality AS finality)
FROM staged JOIN winning ON winning.request_id = staged.request_id
    AND winning.day IS NOT DISTINCT FROM CASE WHEN getvariable('load').snapshot THEN NULL ELSE staged.date END
WHERE staged.rule IS NULL;

-- name: view_held
-- All rows of the files that are replaced.
CREATE OR REPLACE TEMP VIEW held AS
SELECT * FROM read_parquet(getvariable('held_files'), union_by_name = true);

-- name: view_held_nothing
-- No file is replaced.
CREATE OR REPLACE TEMP VIEW held AS
SELECT * EXCLUDE (rule, record, position, page) FROM staged WHERE false;

-- name: newest_held
-- Up to which position of the log each account's snapshot is known.
SELECT account_id, max(log_seq) FROM held
WHERE source = getvariable('load').source AND stream = getvariable('load').stream GROUP BY account_id;

-- name: view_overwritten
-- Held rows that this load replaces.
CREATE OR REPLACE TEMP VIEW overwritten AS
SELECT held.* FROM held SEMI JOIN winning ON winning.account_id = held.account_id
    AND winning.day IS NOT DISTINCT FROM CASE WHEN getvariable('load').snapshot THEN NULL ELSE held.date END
    AND held.source = getvariable('load').source AND held.stream = getvariable('load').stream;

-- name: view_kept
-- Held rows that only move to a new file.
CREATE OR REPLACE TEMP VIEW kept AS
SELECT held.* FROM held ANTI JOIN winning ON winning.account_id = held.account_id
    AND winning.day IS NOT DISTINCT FROM CASE WHEN getvariable('load').snapshot THEN NULL ELSE held.date END
    AND held.source = getvariable('load').source AND held.stream = getvariable('load').stream;

-- name: view_merged
-- What the first block writes: its rows and the kept ones.
CREATE OR REPLACE TEMP VIEW outgoing AS SELECT * FROM fresh UNION ALL BY NAME SELECT * FROM kept;

-- name: view_unmerged
-- What later blocks write: their rows.
CREATE OR REPLACE TEMP VIEW outgoing AS SELECT * FROM fresh;

-- name: count_days
-- How the rows to be written spread over days.
SELECT date, count(*) FROM outgoing GROUP BY date;

-- name: digest_fresh
-- A fingerprint per account and day of what comes ...
INSERT INTO digests
SELECT account_id, date, count(*), bit_xor(hash(*COLUMNS(* EXCLUDE (fetched_at, request_id, log_seq)))), false
FROM fresh GROUP BY account_id, date;

-- name: tally_fresh
-- The same where nothing is replaced: every day that has rows is new.
INSERT INTO digests SELECT account_id, date, count(*), 0, false FROM fresh GROUP BY account_id, date;

-- name: count_digests
-- Whether anything is replaced.
SELECT count(*) FROM digests;

-- name: digest_overwritten
-- ... and of what goes; rows of the same request mean that this load was committed before.
INSERT INTO digests
SELECT account_id, date, -count(*), bit_xor(hash(*COLUMNS(* EXCLUDE (fetched_at, request_id, log_seq)))),
    bool_or(request_id IN (SELECT request_id FROM asked))
FROM overwritten GROUP BY account_id, date;

-- name: digest_replayed
-- Days that a request committed before, maybe leaving no row: who had to be told may not know yet.
INSERT INTO digests
SELECT winning.account_id, winning.day, 0, 0, true FROM winning
JOIN asked ON asked.request_id = winning.request_id AND asked.replayed
WHERE winning.day IS NOT NULL
UNION ALL -- also where it wins no day any more: a newer fetch that found the same tells nothing
SELECT '', unnest([window_start, window_end]), 0, 0, true FROM asked
WHERE replayed AND window_start IS NOT NULL;

-- name: changed_span
-- The first and the last day that differ.
SELECT min(date), max(date) FROM (
    SELECT date FROM digests GROUP BY account_id, date
    HAVING sum(rows) <> 0 OR bit_xor(digest) <> 0 OR bool_or(replayed)
);

-- name: view_quarantine
-- Refused rows of these requests replace those that an earlier try left.
CREATE OR REPLACE TEMP VIEW outgoing AS
SELECT * FROM refused UNION ALL BY NAME
SELECT * FROM read_parquet(getvariable('held_files'), union_by_name = true)
WHERE request_id NOT IN (SELECT request_id FROM asked);

-- name: view_refused
-- Refused rows; nothing of these requests lies in quarantine.
CREATE OR REPLACE TEMP VIEW outgoing AS SELECT * FROM refused;

-- name: count_quarantined
-- Rows that an earlier try of these requests left in quarantine.
SELECT count(*) FROM read_parquet(getvariable('held_files'), union_by_name = true)
WHERE request_id IN (SELECT request_id FROM asked);

-- name: count_refused
-- Refused rows of this load.
SELECT count(*) FROM refused;
