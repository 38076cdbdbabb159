-- name: covered_days
-- What is held of one stream within some days.
SELECT org_id, source, account_id, stream, day, finality, request_id, fetched_at
FROM coverage
WHERE org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream
  AND day BETWEEN :start AND :end
ORDER BY day;

-- name: winners
-- The days whose newest fetch is one of these.
SELECT org_id, source, account_id, stream, day, finality, request_id, fetched_at
FROM coverage
WHERE request_id IN (SELECT value FROM json_each(:request_ids))
ORDER BY org_id, source, account_id, stream, day;

-- name: bounds
-- The first and the last day held of one stream.
SELECT min(day), max(day)
FROM coverage
WHERE org_id = :org_id AND source = :source AND account_id = :account_id AND stream = :stream;

-- name: all_rows
-- The whole ledger, as gold and DataGuard read it.
SELECT org_id, source, account_id, stream, day, finality, request_id, fetched_at
FROM coverage
WHERE :org_id IS NULL OR org_id = :org_id
ORDER BY org_id, source, account_id, stream, day;

-- name: watermarks
-- How far each stream has come. closed_through is the last day before the first hole or open day:
-- within one island of consecutive closed days, day minus row number is constant.
WITH closed AS (
  SELECT org_id, source, account_id, stream, day,
         julianday(day) - row_number() OVER (
           PARTITION BY org_id, source, account_id, stream ORDER BY day) AS island
  FROM coverage
  WHERE finality <> 'open'
),
islands AS (
  SELECT org_id, source, account_id, stream, min(day) AS first_day, max(day) AS last_day
  FROM closed
  GROUP BY org_id, source, account_id, stream, island
),
held AS (
  SELECT org_id, source, account_id, stream, min(day) AS first_day, max(day) AS newest_day,
         count(*) AS days, max(fetched_at) AS fetched_at,
         max(CASE finality WHEN 'open' THEN 2 WHEN 'provisional' THEN 1 ELSE 0 END) AS unsettled
  FROM coverage
  GROUP BY org_id, source, account_id, stream
)
SELECT h.org_id, h.source, h.account_id, h.stream, h.first_day, h.newest_day, i.last_day, h.days,
       CASE h.unsettled WHEN 2 THEN 'open' WHEN 1 THEN 'provisional' ELSE 'final' END,
       h.fetched_at,
       (SELECT max(f.finalized_at) FROM fetches AS f
        WHERE f.org_id = h.org_id AND f.source = h.source AND f.account_id = h.account_id
          AND f.stream = h.stream AND f.state = 'completed')
FROM held AS h
LEFT JOIN islands AS i
  ON i.org_id = h.org_id AND i.source = h.source AND i.account_id = h.account_id
 AND i.stream = h.stream AND i.first_day = h.first_day
ORDER BY h.org_id, h.source, h.account_id, h.stream;
