-- name: add_job
-- A failed write waits for its retry, or a hopeless record becomes a dead letter at once.
INSERT INTO jobs (stage, state, event_seq, org_id, source, account_id, stream, window_start,
                  window_end, attempt, max_attempts, error_type, error_message, error_hint,
                  transient, errors, created_at, scheduled_at, attempted_at, finalized_at,
                  payload_bytes, payload)
VALUES (:stage, :state, :event_seq, :org_id, :source, :account_id, :stream, :window_start,
        :window_end, 1, :max_attempts, :error_type, :error_message, :error_hint,
        :transient,
        json_array(json_object('at', :now, 'attempt', 1, 'error_type', :error_type,
                               'message', :error_message)),
        :now, :scheduled_at, :now, CASE :state WHEN 'discarded' THEN :now END,
        :payload_bytes, :payload)
RETURNING job_id;

-- name: discard_again
-- What could not be read fails in the same way at every sync: that is one dead letter, with what the
-- vendor said last. Of its history the first failure and the last ones stay. An edited letter is a
-- person's, and is left alone.
UPDATE jobs
SET state = 'discarded',
    attempt = attempt + 1,
    error_message = :error_message,
    error_hint = :error_hint,
    errors = json_insert(
      CASE WHEN json_array_length(errors) < :history THEN errors ELSE json_remove(errors, '$[1]') END,
      '$[#]', json_object('at', :now, 'attempt', attempt + 1, 'error_type', :error_type,
                          'message', :error_message)),
    scheduled_at = :now,
    attempted_at = :now,
    finalized_at = :now,
    payload_bytes = CASE WHEN :payload_bytes > 0 THEN :payload_bytes ELSE payload_bytes END,
    payload = CASE WHEN :payload_bytes > 0 THEN :payload ELSE payload END
WHERE job_id = (
  SELECT max(job_id)
  FROM jobs
  WHERE stage = :stage
    AND event_seq IS NULL AND :event_seq IS NULL
    AND org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream
    AND window_start = :window_start AND window_end = :window_end
    AND error_type = :error_type
    AND state NOT IN ('running', 'completed', 'cancelled')
    AND edited_at IS NULL
)
RETURNING job_id;

-- name: rescue_jobs
-- A worker that lost its lease died while trying: that is a failed try too, so that a job which
-- kills its worker ends as a dead letter instead of doing so for ever.
UPDATE jobs
SET attempt = attempt + 1,
    state = CASE WHEN attempt + 1 < max_attempts THEN 'retryable' ELSE 'discarded' END,
    finalized_at = CASE WHEN attempt + 1 < max_attempts THEN NULL ELSE :now END,
    scheduled_at = :now,
    leased_until = NULL,
    error_type = 'interrupted',
    error_message = 'the process ended during the attempt',
    error_hint = '',
    transient = 1,
    errors = json_insert(errors, '$[#]', json_object(
      'at', :now, 'attempt', attempt + 1, 'error_type', 'interrupted',
      'message', 'the process ended during the attempt'))
WHERE state = 'running' AND (:all OR leased_until <= :now)
RETURNING job_id;

-- name: claim_jobs
-- Take what is due, longest waiting first, under a lease.
UPDATE jobs
SET state = 'running', attempted_at = :now, leased_until = :leased_until
WHERE job_id IN (
  SELECT job_id
  FROM jobs
  WHERE stage = :stage
    AND finalized_at IS NULL
    AND state <> 'running'
    AND (:ignore_schedule OR scheduled_at <= :now)
    AND (NOT :edited_only OR edited_at IS NOT NULL)
  ORDER BY scheduled_at, job_id
  LIMIT :limit
)
RETURNING job_id, stage, state, event_seq, org_id, source, account_id, stream, window_start,
          window_end, attempt, max_attempts, error_type, error_message, error_hint, transient,
          errors, created_at, scheduled_at, attempted_at, finalized_at, edited_at, payload_bytes,
          payload;

-- name: succeed_jobs
-- The write is done; the payload is not needed any more.
UPDATE jobs
SET state = 'completed', finalized_at = :now, leased_until = NULL, payload = NULL
WHERE job_id IN (SELECT value FROM json_each(:job_ids)) AND finalized_at IS NULL
RETURNING job_id;

-- name: fail_job
-- One more failed try: wait for the next (due holds the instants by attempt), or give up.
UPDATE jobs
SET attempt = attempt + 1,
    state = CASE WHEN :transient AND attempt + 1 < max_attempts
                 THEN 'retryable' ELSE 'discarded' END,
    finalized_at = CASE WHEN :transient AND attempt + 1 < max_attempts THEN NULL ELSE :now END,
    scheduled_at = coalesce(json_extract(:due, '$[' || attempt || ']'),
                            json_extract(:due, '$[#-1]')),
    leased_until = NULL,
    error_type = :error_type,
    error_message = :error_message,
    error_hint = :error_hint,
    transient = :transient,
    errors = json_insert(errors, '$[#]', json_object(
      'at', :now, 'attempt', attempt + 1, 'error_type', :error_type, 'message', :error_message))
WHERE job_id = :job_id AND state = 'running'
RETURNING state;

-- name: release_jobs
-- Give claimed jobs back without spending an attempt.
UPDATE jobs
SET state = CASE WHEN :scheduled_at > :now THEN 'scheduled' ELSE 'available' END,
    scheduled_at = :scheduled_at,
    leased_until = NULL
WHERE job_id IN (SELECT value FROM json_each(:job_ids)) AND state = 'running'
RETURNING job_id;

-- name: redrive_jobs
-- Dead letters get a fresh set of tries.
UPDATE jobs
SET state = 'available', attempt = 0, scheduled_at = :now, finalized_at = NULL
WHERE job_id IN (SELECT value FROM json_each(:job_ids)) AND state = 'discarded'
RETURNING job_id;

-- name: redrive_transient
-- Dead letters whose cause has passed get a fresh set of tries.
UPDATE jobs
SET state = 'available', attempt = 0, scheduled_at = :now, finalized_at = NULL
WHERE state = 'discarded' AND transient AND (:stage IS NULL OR stage = :stage)
RETURNING job_id;

-- name: heal_slices
-- A later fetch brought what these could not: it read their whole window, or every one of their
-- days has been covered since, or it was a snapshot, which always reads everything.
UPDATE jobs
SET state = 'completed', finalized_at = :now, leased_until = NULL, payload = NULL
WHERE stage = 'ingest'
  AND state NOT IN ('completed', 'cancelled')
  AND org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream
  AND (:snapshot
       OR (window_start >= :window_start AND window_end <= :window_end)
       OR julianday(window_end) - julianday(window_start) + 1 = (
            SELECT count(*)
            FROM coverage AS c
            WHERE c.org_id = jobs.org_id AND c.source = jobs.source
              AND c.account_id = jobs.account_id AND c.stream = jobs.stream
              AND c.day BETWEEN jobs.window_start AND jobs.window_end
              AND c.fetched_at >= jobs.created_at))
RETURNING job_id;

-- name: get_job
-- One job with its payload.
SELECT job_id, stage, state, event_seq, org_id, source, account_id, stream, window_start,
       window_end, attempt, max_attempts, error_type, error_message, error_hint, transient,
       errors, created_at, scheduled_at, attempted_at, finalized_at, edited_at, payload_bytes,
       payload
FROM jobs
WHERE job_id = :job_id;

-- name: list_dead
-- Dead letters, newest first, without their payloads.
SELECT job_id, stage, state, event_seq, org_id, source, account_id, stream, window_start,
       window_end, attempt, max_attempts, error_type, error_message, error_hint, transient,
       errors, created_at, scheduled_at, attempted_at, finalized_at, edited_at, payload_bytes,
       NULL
FROM jobs
WHERE state = 'discarded'
  AND (:orgs IS NULL OR org_id IN (SELECT value FROM json_each(:orgs)))
  AND (:sources IS NULL OR source IN (SELECT value FROM json_each(:sources)))
  AND (:stage IS NULL OR stage = :stage)
  AND (:error_types IS NULL OR error_type IN (SELECT value FROM json_each(:error_types)))
  AND (:transient IS NULL OR transient = :transient)
  AND (:since IS NULL OR finalized_at >= :since)
ORDER BY finalized_at DESC, job_id DESC
LIMIT :limit;

-- name: count_jobs
-- How many jobs stand where, and since when the oldest.
SELECT stage, state, count(*), min(created_at), min(scheduled_at)
FROM jobs
GROUP BY stage, state
ORDER BY stage, state;

-- name: prune_jobs
-- Forget what ended well, or was cancelled, long ago.
DELETE FROM jobs
WHERE state IN ('completed', 'cancelled') AND finalized_at < :before
RETURNING job_id;
