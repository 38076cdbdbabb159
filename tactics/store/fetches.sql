-- name: begin_fetch
-- Name one fetch of one slice.
INSERT INTO fetches (request_id, org_id, source, account_id, stream, window_start, window_end,
                     api_version, state, created_at)
VALUES (:request_id, :org_id, :source, :account_id, :stream, :window_start, :window_end,
        :api_version, 'running', :now);

-- name: append_page
-- Log one page of a running fetch; its number is how many came before it.
INSERT INTO events (topic, org_id, source, account_id, stream, header, created_at, size_bytes, body)
SELECT :topic, org_id, source, account_id, stream,
       json_object('request_id', request_id, 'page', pages,
                   'window_start', window_start, 'window_end', window_end,
                   'api_version', api_version, 'request', :request, 'fetched_at', :now),
       :now, :size_bytes, :body
FROM fetches
WHERE request_id = :request_id AND state = 'running'
RETURNING seq;

-- name: count_page
-- Move the fetch past the page that was just logged.
UPDATE fetches
SET pages = pages + 1, first_seq = coalesce(first_seq, :seq), last_seq = :seq
WHERE request_id = :request_id;

-- name: complete_fetch
-- The last page is in the log: the slice is whole.
UPDATE fetches
SET state = 'completed', marker = :marker, finalized_at = :now
WHERE request_id = :request_id AND state = 'running'
RETURNING org_id, source, account_id, stream, window_start, window_end;

-- name: uncover_stream
-- A new snapshot replaces all that was held.
DELETE FROM coverage
WHERE org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream;

-- name: cover_day
-- This fetch is now the newest of its day.
INSERT INTO coverage (org_id, source, account_id, stream, day, finality, request_id, fetched_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (org_id, source, account_id, stream, day) DO UPDATE
SET finality = excluded.finality,
    request_id = excluded.request_id,
    fetched_at = excluded.fetched_at;

-- name: confirm_snapshot
-- What is held of this fetch's stream is still right: its row moves to today.
UPDATE OR REPLACE coverage
SET day = :day, fetched_at = :now
WHERE (org_id, source, account_id, stream, day) = (
  SELECT c.org_id, c.source, c.account_id, c.stream, max(c.day)
  FROM fetches AS f
  JOIN coverage AS c
    ON c.org_id = f.org_id AND c.source = f.source AND c.account_id = f.account_id
   AND c.stream = f.stream
  WHERE f.request_id = :request_id
)
RETURNING day;

-- name: fail_fetch
-- The slice stays unfetched; its pages are superseded by the next attempt.
UPDATE fetches
SET state = 'failed', error_type = :error_type, error_message = :error_message, finalized_at = :now
WHERE request_id = :request_id AND state = 'running'
RETURNING request_id;

-- name: abandon_fetches
-- What a dead process left running is failed.
UPDATE fetches
SET state = 'failed', error_type = 'interrupted', error_message = 'the process ended',
    finalized_at = :now
WHERE state = 'running'
RETURNING request_id;

-- name: get_fetches
-- Fetches by their names.
SELECT request_id, org_id, source, account_id, stream, window_start, window_end, api_version,
       state, pages, first_seq, last_seq, marker, error_type, error_message, created_at,
       finalized_at
FROM fetches
WHERE request_id IN (SELECT value FROM json_each(:request_ids));

-- name: last_of_their_window
-- Those of these fetches after which no other one brought pages of the same stream and window.
SELECT mine.request_id
FROM fetches AS mine
WHERE mine.request_id IN (SELECT value FROM json_each(:request_ids))
  AND NOT EXISTS (SELECT 1 FROM fetches AS later
                  WHERE later.org_id = mine.org_id AND later.source = mine.source
                    AND later.account_id = mine.account_id AND later.stream = mine.stream
                    AND later.window_start = mine.window_start
                    AND later.window_end = mine.window_end
                    AND later.state = 'completed' AND later.first_seq > mine.first_seq);

-- name: latest_marker
-- The change marker of the newest fetch that brought a stream's pages.
SELECT marker, finalized_at
FROM fetches
WHERE org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream
  AND state = 'completed' AND pages > 0
ORDER BY finalized_at DESC
LIMIT 1;

-- name: read_pages
-- The pages of one fetch that are still in the log.
SELECT e.seq, e.topic, e.org_id, e.source, e.account_id, e.stream, e.header, e.created_at,
       e.size_bytes, e.body
FROM fetches AS f
JOIN events AS e ON e.seq BETWEEN f.first_seq AND f.last_seq
WHERE f.request_id = :request_id
  AND e.topic = :topic
  AND json_extract(e.header, '$.request_id') = :request_id
ORDER BY e.seq;

-- name: prune_fetches
-- Forget old fetches that hold no day and are not the newest of their stream.
DELETE FROM fetches
WHERE finalized_at < :before
  AND NOT EXISTS (SELECT 1 FROM coverage AS c WHERE c.request_id = fetches.request_id)
  AND EXISTS (SELECT 1 FROM fetches AS newer
              WHERE newer.org_id = fetches.org_id AND newer.source = fetches.source
                AND newer.account_id = fetches.account_id AND newer.stream = fetches.stream
                AND newer.state = 'completed' AND newer.pages > 0
                AND newer.finalized_at > fetches.finalized_at)
RETURNING request_id;

-- name: remember_report
-- Keep the vendor's report id of a slice, the newest one.
INSERT INTO report_jobs (org_id, source, account_id, stream, window_start, window_end, job,
                         created_at)
VALUES (:org_id, :source, :account_id, :stream, :window_start, :window_end, :job, :now)
ON CONFLICT (org_id, source, account_id, stream, window_start, window_end) DO UPDATE
SET job = excluded.job, created_at = excluded.created_at;

-- name: find_report
-- The vendor's report id of a slice, unless it is so old that its numbers would be.
SELECT job
FROM report_jobs
WHERE org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream
  AND window_start = :window_start AND window_end = :window_end
  AND created_at >= :since;

-- name: forget_report
-- The report of a slice was read, or has expired at the vendor's.
DELETE FROM report_jobs
WHERE org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream
  AND window_start = :window_start AND window_end = :window_end;
