-- What migrations/state adds up to (version 7); generated.

CREATE TABLE accounts (
  org_id     TEXT NOT NULL,
  source     TEXT NOT NULL,
  account_id TEXT NOT NULL,
  name       TEXT NOT NULL,
  currency   TEXT,
  timezone   TEXT NOT NULL,
  facts      TEXT NOT NULL,
  fetched_at TEXT NOT NULL,
  PRIMARY KEY (org_id, source, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_calls (
  day            TEXT NOT NULL,
  org_id         TEXT NOT NULL,
  source         TEXT NOT NULL,
  account_id     TEXT NOT NULL,
  endpoint       TEXT NOT NULL,
  status         INTEGER NOT NULL,
  calls          INTEGER NOT NULL,
  retries        INTEGER NOT NULL,
  received_bytes INTEGER NOT NULL,
  seconds        REAL NOT NULL,
  PRIMARY KEY (day, org_id, source, account_id, endpoint, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE breakers (
  name        TEXT PRIMARY KEY,
  state       TEXT NOT NULL CHECK (state IN ('closed', 'open')),
  failures    INTEGER NOT NULL CHECK (failures >= 0),
  reason      TEXT NOT NULL,
  opened_at   TEXT,
  open_until  TEXT,
  trial_owner TEXT,
  trial_until TEXT,
  CHECK ((state = 'open') = (opened_at IS NOT NULL)),
  CHECK ((state = 'open') = (open_until IS NOT NULL)),
  CHECK ((trial_owner IS NULL) = (trial_until IS NULL)),
  CHECK (state = 'open' OR trial_owner IS NULL)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE credentials (
  org_id        TEXT NOT NULL,
  source        TEXT NOT NULL,
  name          TEXT NOT NULL,
  fingerprint   TEXT NOT NULL,
  first_used_at TEXT NOT NULL,
  PRIMARY KEY (org_id, source, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  topic      TEXT NOT NULL,
  org_id     TEXT,
  source     TEXT,
  account_id TEXT,
  stream     TEXT,
  header     TEXT NOT NULL,
  created_at TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  body       BLOB
) STRICT;

CREATE INDEX events_by_topic ON events (topic);

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

CREATE TABLE jobs (
  job_id        INTEGER PRIMARY KEY AUTOINCREMENT,
  stage         TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('available', 'scheduled', 'running', 'retryable',
                                               'completed', 'discarded', 'cancelled')),
  event_seq     INTEGER,
  org_id        TEXT,
  source        TEXT,
  account_id    TEXT,
  stream        TEXT,
  window_start  TEXT,
  window_end    TEXT,
  attempt       INTEGER NOT NULL CHECK (attempt >= 0),
  max_attempts  INTEGER NOT NULL CHECK (max_attempts >= 1),
  error_type    TEXT NOT NULL,
  error_message TEXT NOT NULL,
  error_hint    TEXT NOT NULL,
  transient     INTEGER NOT NULL CHECK (transient IN (0, 1)),
  errors        TEXT NOT NULL,
  created_at    TEXT NOT NULL,
  scheduled_at  TEXT NOT NULL,
  attempted_at  TEXT,
  leased_until  TEXT,
  finalized_at  TEXT,
  payload_bytes INTEGER NOT NULL,
  payload       BLOB,
  CHECK ((state IN ('completed', 'discarded', 'cancelled')) = (finalized_at IS NOT NULL)),
  CHECK ((state = 'running') = (leased_until IS NOT NULL))
) STRICT;

CREATE INDEX jobs_by_event ON jobs (event_seq) WHERE event_seq IS NOT NULL;

CREATE INDEX jobs_discarded ON jobs (finalized_at) WHERE state = 'discarded';

CREATE INDEX jobs_waiting ON jobs (stage, scheduled_at) WHERE finalized_at IS NULL;

CREATE TABLE positions (
  topic           TEXT NOT NULL,
  consumer        TEXT NOT NULL,
  seq             INTEGER NOT NULL CHECK (seq >= 0),
  acknowledged_at TEXT NOT NULL,
  PRIMARY KEY (topic, consumer)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE run_stages (
  run_id      TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  stage       TEXT NOT NULL,
  rows        INTEGER NOT NULL,
  seconds     REAL NOT NULL,
  detail      TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  PRIMARY KEY (run_id, stage)
) STRICT;

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

CREATE TABLE sync_requests (
  sync_request_id INTEGER PRIMARY KEY AUTOINCREMENT,
  scope           TEXT NOT NULL,
  created_at      TEXT NOT NULL,
  run_id          TEXT REFERENCES runs ON DELETE CASCADE,
  served_at       TEXT,
  CHECK ((run_id IS NULL) = (served_at IS NULL))
) STRICT;

CREATE INDEX sync_requests_pending ON sync_requests (sync_request_id) WHERE run_id IS NULL;
