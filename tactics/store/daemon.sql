-- name: forget_heartbeats
-- The lock lets one daemon run: whoever left a row here has gone.
DELETE FROM daemon_heartbeats RETURNING pid;

-- name: begin_heartbeat
-- A daemon has started.
INSERT INTO daemon_heartbeats (pid, host, started_at, beat_at, stopped_at, progress)
VALUES (:pid, :host, :now, :now, NULL, '{}');

-- name: beat
-- It lives, and has done this much.
UPDATE daemon_heartbeats SET beat_at = :now, progress = :progress
WHERE pid = :pid AND host = :host
RETURNING pid;

-- name: end_heartbeat
-- It was stopped: nobody misses its heartbeat.
UPDATE daemon_heartbeats SET beat_at = :now, stopped_at = :now
WHERE pid = :pid AND host = :host
RETURNING pid;

-- name: latest_heartbeat
-- The daemon that runs, or the last one that did.
SELECT pid, host, started_at, beat_at, stopped_at, progress
FROM daemon_heartbeats
ORDER BY beat_at DESC
LIMIT 1;

-- name: note_visit
-- The newest visit counts, whatever the clock said at the one before.
INSERT INTO source_visits (org_id, source, visited_at, outcome, failures, transient)
VALUES (:org_id, :source, :visited_at, :outcome, :failed, :transient)
ON CONFLICT (org_id, source) DO UPDATE
SET visited_at = excluded.visited_at, outcome = excluded.outcome, transient = excluded.transient,
    failures = CASE excluded.failures WHEN 0 THEN 0 ELSE failures + 1 END;

-- name: list_visits
-- Every source that was ever asked.
SELECT org_id, source, visited_at, outcome, failures, transient
FROM source_visits
ORDER BY org_id, source;
