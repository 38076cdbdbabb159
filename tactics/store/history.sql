-- name: newest_instants
-- When the log and the runs were last written to: no right clock shows an earlier time.
SELECT max(at) FROM (
  SELECT created_at AS at FROM events WHERE seq = (SELECT max(seq) FROM events)
  UNION ALL
  SELECT max(created_at) FROM runs
);

-- name: backlog
-- What a consumer has yet to do, and since when the oldest of it waits.
WITH waiting AS (
  SELECT seq
  FROM events
  WHERE topic = :topic
    AND seq > coalesce((SELECT p.seq FROM positions AS p
                        WHERE p.topic = :topic AND p.consumer = :consumer), 0)
)
SELECT (SELECT count(*) FROM waiting),
       (SELECT created_at FROM events WHERE seq = (SELECT min(seq) FROM waiting));

-- name: unmeasured
-- The published generations that nobody has measured yet, oldest first, and the one before each.
SELECT r.seq,
       coalesce((SELECT max(e.seq) FROM events AS e WHERE e.topic = r.topic AND e.seq < r.seq), 0),
       r.header ->> '$.built_at', r.created_at
FROM events AS r
WHERE r.topic = :topic
  AND r.seq > coalesce((SELECT p.seq FROM positions AS p
                        WHERE p.topic = :topic AND p.consumer = :consumer), 0)
ORDER BY r.seq;

-- name: passages
-- The way of every request that one generation shows. An event stands for all that came before it
-- in its stream and after its predecessor. What was held back comes again later in the log.
WITH shown AS (
  SELECT p.seq, p.org_id, p.source, p.stream, p.created_at,
         coalesce((SELECT max(b.seq) FROM events AS b
                   WHERE b.topic = p.topic AND b.seq < p.seq AND b.org_id = p.org_id
                     AND b.source = p.source AND b.stream = p.stream), 0) AS after_seq
  FROM events AS p
  WHERE p.topic = :processed AND p.seq > :after_seq AND p.seq < :seq
    AND NOT EXISTS (SELECT 1 FROM events AS again
                    WHERE again.topic = p.topic AND again.seq > :seq
                      AND again.header ->> '$.load_id' = p.header ->> '$.load_id')
),
landed AS (
  SELECT s.org_id, s.source, request.value AS request_id, max(c.created_at) AS bronze_at,
         s.created_at AS silver_at
  FROM shown AS s
  JOIN events AS c
    ON c.topic = :cleaned AND c.seq > s.after_seq AND c.seq < s.seq
   AND c.org_id = s.org_id AND c.source = s.source AND c.stream = s.stream
  JOIN json_each(c.header, '$.request_ids') AS request
  GROUP BY s.seq, request.value
)
SELECT l.org_id, l.source, f.created_at, l.bronze_at, l.silver_at
FROM landed AS l
JOIN fetches AS f ON f.request_id = l.request_id
WHERE f.state = 'completed'
ORDER BY l.org_id, l.source, f.created_at;

-- name: record_source
-- How a source fared in a run.
INSERT INTO run_sources (run_id, org_id, source, outcome, problems, received, cpu_seconds)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: record_latency
-- How long what a run published took through one stage.
INSERT INTO latencies (run_id, org_id, source, stage, seconds, requests)
VALUES (?, ?, ?, ?, ?, ?);

-- name: latencies
-- What the runs since then have measured, oldest first.
SELECT l.org_id, l.source, l.stage, l.seconds, l.requests
FROM runs AS r
JOIN latencies AS l ON l.run_id = r.run_id
WHERE r.created_at >= :since
ORDER BY r.created_at, r.run_id;

-- name: last_latencies
-- What the newest of the last runs has measured of each source. Of the rows behind max() SQLite
-- takes the other columns.
WITH recent AS (SELECT run_id, created_at FROM runs ORDER BY created_at DESC LIMIT :runs),
newest AS (
  SELECT l.org_id, l.source, l.run_id, max(r.created_at)
  FROM recent AS r
  JOIN latencies AS l ON l.run_id = r.run_id
  WHERE l.stage = 'end_to_end'
  GROUP BY l.org_id, l.source
)
SELECT l.org_id, l.source, l.stage, l.seconds, l.requests
FROM newest AS n
JOIN latencies AS l ON l.run_id = n.run_id AND l.org_id = n.org_id AND l.source = n.source
ORDER BY l.org_id, l.source, l.stage;

-- name: last_outcomes
-- How each source fared when one of the last runs asked it.
WITH recent AS (SELECT run_id, created_at FROM runs ORDER BY created_at DESC LIMIT :runs),
newest AS (
  SELECT s.org_id, s.source, s.run_id, max(r.created_at)
  FROM recent AS r
  JOIN run_sources AS s ON s.run_id = r.run_id
  WHERE s.outcome <> 'offline'
  GROUP BY s.org_id, s.source
)
SELECT s.org_id, s.source, s.outcome, s.problems, s.received, s.cpu_seconds
FROM newest AS n
JOIN run_sources AS s ON s.run_id = n.run_id AND s.org_id = n.org_id AND s.source = n.source
ORDER BY s.org_id, s.source;

-- name: last_guard
-- The newest report of DataGuard.
SELECT result -> '$.guard', created_at
FROM runs
WHERE result ->> '$.guard.checks_run' IS NOT NULL
ORDER BY created_at DESC
LIMIT 1;

-- name: total_cpu
-- The CPU time of each connection in the runs since then.
SELECT s.org_id, s.source, sum(s.cpu_seconds)
FROM runs AS r
JOIN run_sources AS s ON s.run_id = r.run_id
WHERE r.created_at >= :since
GROUP BY s.org_id, s.source;

-- name: daily_calls
-- Calls by day, connection and endpoint.
SELECT day, org_id, source, endpoint, sum(calls),
       sum(CASE WHEN status BETWEEN 200 AND 299 THEN 0 ELSE calls END),
       sum(retries), sum(received_bytes), sum(seconds)
FROM api_calls
WHERE day >= :since
GROUP BY day, org_id, source, endpoint
ORDER BY day, org_id, source, endpoint;
