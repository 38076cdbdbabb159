-- name: start_run
-- A run begins.
INSERT INTO runs (run_id, command, scope, status, created_at)
VALUES (:run_id, :command, :scope, 'running', :now);

-- name: record_stage
-- What a stage did; one that works in several rounds adds up.
INSERT INTO run_stages (run_id, stage, rows, seconds, detail, recorded_at)
VALUES (:run_id, :stage, :rows, :seconds, :detail, :now)
ON CONFLICT (run_id, stage) DO UPDATE
SET rows = rows + excluded.rows,
    seconds = seconds + excluded.seconds,
    detail = excluded.detail,
    recorded_at = excluded.recorded_at;

-- name: finish_run
-- A run ends once.
UPDATE runs
SET status = :status, result = :result, finalized_at = :now
WHERE run_id = :run_id AND status = 'running'
RETURNING run_id;

-- name: abandon_runs
-- What a dead process left running has failed.
UPDATE runs
SET status = 'failed', finalized_at = :now
WHERE status = 'running' AND run_id <> :except
RETURNING run_id;

-- name: get_run
-- One run.
SELECT run_id, command, scope, status, result, created_at, finalized_at
FROM runs
WHERE run_id = :run_id;

-- name: list_stages
-- The stages of one run, in the order they first ended.
SELECT stage, rows, seconds, detail, recorded_at
FROM run_stages
WHERE run_id = :run_id
ORDER BY rowid;

-- name: list_runs
-- Runs, newest first, with one of some statuses (NULL: any).
SELECT run_id, command, scope, status, result, created_at, finalized_at
FROM runs
WHERE :statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses))
ORDER BY created_at DESC, run_id DESC
LIMIT :limit;

-- name: last_stage
-- When a stage was last done, by any run.
SELECT max(recorded_at) FROM run_stages WHERE stage = :stage;

-- name: prune_runs
-- Forget runs that ended long ago.
DELETE FROM runs WHERE finalized_at < :before RETURNING run_id;

-- name: file_request
-- A second sync asks the first to do its work too.
INSERT INTO sync_requests (scope, created_at) VALUES (:scope, :now) RETURNING sync_request_id;

-- name: list_pending
-- Requests that no run has served yet.
SELECT sync_request_id, scope, created_at, run_id, served_at
FROM sync_requests
WHERE run_id IS NULL
ORDER BY sync_request_id;

-- name: serve_requests
-- A run has done what these asked for.
UPDATE sync_requests
SET run_id = :run_id, served_at = :now
WHERE sync_request_id IN (SELECT value FROM json_each(:sync_request_ids)) AND run_id IS NULL
RETURNING sync_request_id;

-- name: get_request
-- One request.
SELECT sync_request_id, scope, created_at, run_id, served_at
FROM sync_requests
WHERE sync_request_id = :sync_request_id;
