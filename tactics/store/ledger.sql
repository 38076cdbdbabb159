-- name: record_call
-- Add calls to the sums of their day.
INSERT INTO api_calls (day, org_id, source, account_id, endpoint, status, calls, retries,
                       received_bytes, seconds)
VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
ON CONFLICT (day, org_id, source, account_id, endpoint, status) DO UPDATE
SET calls = calls + excluded.calls,
    retries = retries + excluded.retries,
    received_bytes = received_bytes + excluded.received_bytes,
    seconds = seconds + excluded.seconds;

-- name: total_calls
-- What each connection has cost since a day.
SELECT org_id, source, sum(calls), sum(CASE WHEN status BETWEEN 200 AND 299 THEN 0 ELSE calls END),
       sum(retries), sum(received_bytes), sum(seconds)
FROM api_calls
WHERE day >= :since
GROUP BY org_id, source
ORDER BY org_id, source;

-- name: put_account
-- What the vendor says now replaces what it said before.
INSERT INTO accounts (org_id, source, account_id, name, currency, timezone, facts, fetched_at)
VALUES (:org_id, :source, :account_id, :name, :currency, :timezone, :facts, :now)
ON CONFLICT (org_id, source, account_id) DO UPDATE
SET name = excluded.name, currency = excluded.currency, timezone = excluded.timezone,
    facts = excluded.facts, fetched_at = excluded.fetched_at;

-- name: get_account
-- One account.
SELECT account_id, name, currency, timezone, facts, fetched_at
FROM accounts
WHERE org_id = :org_id AND source = :source AND account_id = :account_id;

-- name: note_credential
-- The same secret keeps its date, another one begins a new one.
INSERT INTO credentials (org_id, source, name, fingerprint, first_used_at)
VALUES (:org_id, :source, :name, :fingerprint, :now)
ON CONFLICT (org_id, source, name) DO UPDATE
SET fingerprint = excluded.fingerprint, first_used_at = excluded.first_used_at
WHERE fingerprint <> excluded.fingerprint;

-- name: list_credentials
-- The credentials that a connection uses.
SELECT name, first_used_at FROM credentials
WHERE org_id = :org_id AND source = :source
ORDER BY name;
