-- One row for each run of the pipeline; result is its pipeline_result as JSON.
CREATE TABLE runs (
  run_id       TEXT PRIMARY KEY,
  command      TEXT NOT NULL,
  scope        TEXT NOT NULL,
  status       TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'degraded', 'halted', 'failed')),
  result       TEXT,
  created_at   TEXT NOT NULL,
  finalized_at TEXT,
  CHECK ((status = 'running') = (finalized_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_by_creation ON runs (created_at);

-- What each stage of a run did.
CREATE TABLE run_stages (
  run_id      TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  stage       TEXT NOT NULL,
  rows        INTEGER NOT NULL,
  seconds     REAL NOT NULL,
  detail      TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (run_id, stage)
) STRICT;

-- What a second `tactics sync` asks of the one that runs.
CREATE TABLE sync_requests (
  sync_request_id INTEGER PRIMARY KEY AUTOINCREMENT,
  scope           TEXT NOT NULL,
  created_at      TEXT NOT NULL,
  run_id          TEXT REFERENCES runs ON DELETE CASCADE,
  served_at       TEXT,
  CHECK ((run_id IS NULL) = (served_at IS NULL))
) STRICT;

CREATE INDEX sync_requests_pending ON sync_requests (sync_request_id) WHERE run_id IS NULL;
