-- One fetch of one slice. Its pages are events first_seq to last_seq that carry its request_id.
CREATE TABLE fetches (
  request_id    TEXT PRIMARY KEY,
  org_id        TEXT NOT NULL,
  source        TEXT NOT NULL,
  account_id    TEXT NOT NULL,
  stream        TEXT NOT NULL,
  window_start  TEXT NOT NULL,
  window_end    TEXT NOT NULL,
  api_version   TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('running', 'completed', 'failed')),
  pages         INTEGER NOT NULL DEFAULT 0,
  first_seq     INTEGER,
  last_seq      INTEGER,
  marker        TEXT,
  error_type    TEXT,
  error_message TEXT,
  created_at    TEXT NOT NULL,
  finalized_at  TEXT,
  CHECK (window_start <= window_end),
  CHECK ((state = 'running') = (finalized_at IS NULL)),
  CHECK ((state = 'failed') = (error_type IS NOT NULL)),
  CHECK ((pages = 0) = (first_seq IS NULL) AND (pages = 0) = (last_seq IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX fetches_by_stream ON fetches (org_id, source, account_id, stream, finalized_at);
CREATE INDEX fetches_running ON fetches (state) WHERE state = 'running';

-- The days that are held completely, and the fetch that brought each of them last.
CREATE TABLE coverage (
  org_id     TEXT NOT NULL,
  source     TEXT NOT NULL,
  account_id TEXT NOT NULL,
  stream     TEXT NOT NULL,
  day        TEXT NOT NULL,
  finality   TEXT NOT NULL CHECK (finality IN ('open', 'provisional', 'final')),
  request_id TEXT NOT NULL REFERENCES fetches,
  fetched_at TEXT NOT NULL,
  PRIMARY KEY (org_id, source, account_id, stream, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX coverage_by_request ON coverage (request_id);

-- Reports that a vendor is still computing: asked for once, found again after a restart.
CREATE TABLE report_jobs (
  org_id       TEXT NOT NULL,
  source       TEXT NOT NULL,
  account_id   TEXT NOT NULL,
  stream       TEXT NOT NULL,
  window_start TEXT NOT NULL,
  window_end   TEXT NOT NULL,
  job          TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  PRIMARY KEY (org_id, source, account_id, stream, window_start, window_end)
) STRICT, WITHOUT ROWID;
