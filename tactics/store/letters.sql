-- name: list_causes
-- Dead letters by what went wrong: the message up to the facts that differ from letter to letter.
WITH letters AS (
  SELECT job_id, stage, org_id, source, error_type, transient, finalized_at,
         CASE WHEN instr(error_message, ': ') > 0
              THEN substr(error_message, 1, instr(error_message, ': ') - 1)
              ELSE error_message END AS message
  FROM jobs
  WHERE state = 'discarded'
    AND (:orgs IS NULL OR org_id IN (SELECT value FROM json_each(:orgs)))
    AND (:sources IS NULL OR source IN (SELECT value FROM json_each(:sources)))
    AND (:stage IS NULL OR stage = :stage)
    AND (:error_types IS NULL OR error_type IN (SELECT value FROM json_each(:error_types)))
    AND (:transient IS NULL OR transient = :transient)
    AND (:since IS NULL OR finalized_at >= :since)
), causes AS (
  SELECT stage, org_id, source, error_type, message, count(*) AS letters, max(transient) AS transient,
         min(finalized_at) AS oldest, max(finalized_at) AS newest, max(job_id) AS newest_id
  FROM letters
  GROUP BY stage, org_id, source, error_type, message
)
SELECT c.stage, c.org_id, c.source, c.error_type, c.message, c.letters, c.transient, c.oldest,
       c.newest, c.newest_id, j.error_hint
FROM causes AS c
JOIN jobs AS j ON j.job_id = c.newest_id
ORDER BY c.letters DESC, c.newest DESC, c.newest_id DESC
LIMIT :limit;

-- name: find_letters
-- The dead letters that are meant, in the order in which they came.
SELECT job_id
FROM jobs
WHERE state = 'discarded'
  AND (:orgs IS NULL OR org_id IN (SELECT value FROM json_each(:orgs)))
  AND (:sources IS NULL OR source IN (SELECT value FROM json_each(:sources)))
  AND (:stage IS NULL OR stage = :stage)
  AND (:error_types IS NULL OR error_type IN (SELECT value FROM json_each(:error_types)))
  AND (:transient IS NULL OR transient = :transient)
  AND (:since IS NULL OR finalized_at >= :since)
ORDER BY job_id;

-- name: log_retries
-- Note who puts which dead letters back, and what they were, before it happens.
INSERT INTO letter_changes (job_id, action, user_name, host, changed_at, stage, org_id, source,
                            account_id, stream, error_type, error_message, scheduled_at)
SELECT j.job_id, 'retry', :user_name, :host, :now, j.stage, j.org_id, j.source,
       j.account_id, j.stream, j.error_type, j.error_message, due.value ->> 1
FROM json_each(:due) AS due
JOIN jobs AS j ON j.job_id = due.value ->> 0
WHERE j.state = 'discarded'
ORDER BY due.key;

-- name: retry_letters
-- Dead letters get a fresh set of tries, each at its own instant.
UPDATE jobs
SET state = CASE WHEN due.at > :now THEN 'scheduled' ELSE 'available' END,
    attempt = 0,
    scheduled_at = due.at,
    finalized_at = NULL
FROM (SELECT value ->> 0 AS job_id, value ->> 1 AS at FROM json_each(:due)) AS due
WHERE jobs.job_id = due.job_id AND jobs.state = 'discarded'
RETURNING job_id;

-- name: get_letter
-- A dead letter with what it carries: its own payload, or that of the event it is about.
SELECT coalesce(j.payload, e.body), CASE WHEN j.payload IS NULL THEN e.size_bytes
                                         ELSE j.payload_bytes END
FROM jobs AS j
LEFT JOIN events AS e ON e.seq = j.event_seq
WHERE j.job_id = :job_id AND j.state = 'discarded';

-- name: log_change
-- Note who edits or purges a dead letter, and what it held.
INSERT INTO letter_changes (job_id, action, user_name, host, changed_at, stage, org_id, source,
                            account_id, stream, error_type, error_message, payload_bytes,
                            payload_sha256, new_sha256, payload)
SELECT job_id, :action, :user_name, :host, :now, stage, org_id, source,
       account_id, stream, error_type, error_message, :payload_bytes,
       :payload_sha256, :new_sha256, :payload
FROM jobs
WHERE job_id = :job_id
RETURNING change_id;

-- name: edit_letter
-- What a person made of it counts from now on; what it was is noted.
UPDATE jobs
SET payload = :payload, payload_bytes = :payload_bytes, edited_at = :now
WHERE job_id = :job_id AND state = 'discarded'
RETURNING job_id;

-- name: restore_letter
-- What it carried at first counts again: its own payload, or the event it is about.
UPDATE jobs
SET payload = CASE WHEN event_seq IS NULL THEN :payload END,
    payload_bytes = CASE WHEN event_seq IS NULL THEN :payload_bytes ELSE 0 END,
    edited_at = NULL
WHERE job_id = :job_id AND state = 'discarded'
RETURNING job_id;

-- name: purge_letter
-- A person has decided that this dead letter is not wanted.
UPDATE jobs
SET state = 'cancelled', finalized_at = :now, payload = NULL
WHERE job_id = :job_id AND state = 'discarded'
RETURNING job_id;

-- name: purge_originals
-- What edits had replaced goes with it; the checksums stay.
UPDATE letter_changes SET payload = NULL WHERE job_id = :job_id RETURNING change_id;

-- name: get_original
-- What a dead letter carried before anybody edited it.
SELECT payload, payload_bytes
FROM letter_changes
WHERE job_id = :job_id AND action = 'edit'
ORDER BY change_id
LIMIT 1;

-- name: pages_before
-- How many pages of the slice were kept before the answer came that could not be read.
SELECT pages
FROM fetches
WHERE org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream
  AND window_start = :window_start AND window_end = :window_end
  AND state = 'failed' AND finalized_at <= :failed_at
ORDER BY finalized_at DESC
LIMIT 1;

-- name: list_changes
-- Who did what, newest first; what became of it is what the next change found, or the job is now.
WITH changes AS (
  SELECT c.*,
         CASE WHEN lead(c.change_id) OVER later IS NULL THEN j.state ELSE 'discarded' END AS state,
         coalesce(lead(c.error_type) OVER later, j.error_type) AS error_after
  FROM letter_changes AS c
  LEFT JOIN jobs AS j ON j.job_id = c.job_id
  WINDOW later AS (PARTITION BY c.job_id ORDER BY c.change_id)
)
SELECT change_id, job_id, action, user_name, host, changed_at, stage, org_id, source, account_id,
       stream, error_type, error_message, scheduled_at, payload_bytes, payload_sha256, new_sha256,
       state, error_after
FROM changes
WHERE (:job_ids IS NULL OR job_id IN (SELECT value FROM json_each(:job_ids)))
  AND (:orgs IS NULL OR org_id IN (SELECT value FROM json_each(:orgs)))
  AND (:sources IS NULL OR source IN (SELECT value FROM json_each(:sources)))
  AND (:error_types IS NULL OR error_type IN (SELECT value FROM json_each(:error_types)))
  AND (:since IS NULL OR changed_at >= :since)
ORDER BY change_id DESC
LIMIT :limit;

-- name: prune_changes
-- Forget what was done long ago to jobs that are forgotten themselves.
DELETE FROM letter_changes
WHERE changed_at < :before AND job_id NOT IN (SELECT job_id FROM jobs)
RETURNING change_id;
