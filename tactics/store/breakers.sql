-- name: get_breaker
-- How one breaker stands.
SELECT name, state, failures, reason, opened_at, open_until, trial_until
FROM breakers
WHERE name = :name;

-- name: list_breakers
-- How all breakers stand.
SELECT name, state, failures, reason, opened_at, open_until, trial_until
FROM breakers
ORDER BY name;

-- name: take_trial
-- After the cool-down exactly one caller gets the lease: SQLite lets one writer in at a time, and
-- the second finds it taken.
UPDATE breakers
SET trial_owner = :owner, trial_until = :lease_until
WHERE name = :name
  AND state = 'open'
  AND open_until <= :now
  AND (trial_owner IS NULL OR trial_until <= :now)
RETURNING open_until;

-- name: close_breaker
-- The trial has succeeded. A straggler from before the opening holds no lease and closes nothing.
UPDATE breakers
SET state = 'closed', failures = 0, reason = '', failed_by = '', opened_at = NULL,
    open_until = NULL, trial_owner = NULL, trial_until = NULL
WHERE name = :name AND state = 'open' AND trial_owner = :owner
RETURNING name;

-- name: clear_failures
-- A success between failures: they were not consecutive.
UPDATE breakers SET failures = 0, reason = '', failed_by = ''
WHERE name = :name AND state = 'closed' AND failures > 0;

-- name: count_failure
-- One more failure in a row; the threshold opens, and a failed trial opens again at once.
-- The failure of a straggler (open, no lease) changes nothing. Who fails under a name (:failed_by)
-- counts once, however often: two names are needed to open, and two to open again.
INSERT INTO breakers (name, state, failures, reason, failed_by, opened_at, open_until)
VALUES (:name, CASE WHEN :threshold <= 1 THEN 'open' ELSE 'closed' END, 1, :reason,
        CASE WHEN :threshold <= 1 THEN '' ELSE :failed_by END,
        CASE WHEN :threshold <= 1 THEN :now END, CASE WHEN :threshold <= 1 THEN :until END)
ON CONFLICT (name) DO UPDATE
SET (state, failures, failed_by, opened_at, open_until) = (
      SELECT iif(opens, 'open', state), count, iif(opens, '', :failed_by),
             iif(opens, :now, opened_at), iif(opens, :until, open_until)
      FROM (SELECT count,
                   iif(state = 'open', :failed_by = '' OR failed_by NOT IN ('', :failed_by),
                       count >= :threshold) AS opens
            FROM (SELECT failures + (:failed_by = '' OR failed_by <> :failed_by) AS count))
    ),
    reason = :reason,
    trial_owner = NULL,
    trial_until = NULL
WHERE state = 'closed' OR trial_owner = :owner
RETURNING state = 'open' AND open_until = :until;

-- name: release_trial
-- Nothing was learnt: the next caller may try.
UPDATE breakers SET trial_owner = NULL, trial_until = NULL
WHERE name = :name AND trial_owner = :owner;

-- name: open_breaker
-- Open what let calls through: closed, or cooled down.
INSERT INTO breakers (name, state, failures, reason, opened_at, open_until)
VALUES (:name, 'open', 0, :reason, :now, :until)
ON CONFLICT (name) DO UPDATE
SET state = 'open', reason = :reason, failed_by = '', opened_at = :now, open_until = :until,
    trial_owner = NULL, trial_until = NULL
WHERE state = 'closed' OR open_until <= :now
RETURNING name;

-- name: prolong_breaker
-- It is open already: the later instant counts.
UPDATE breakers SET open_until = :until, reason = :reason
WHERE name = :name AND state = 'open' AND open_until < :until;

-- name: reset_breaker
-- A person closes it.
DELETE FROM breakers WHERE name = :name RETURNING name;
