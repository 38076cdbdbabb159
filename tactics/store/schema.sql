-- What migrations/state adds up to (version 12); generated.

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

CREATE TABLE alerts (
  alert_id        INTEGER PRIMARY KEY AUTOINCREMENT,
  key             TEXT NOT NULL,
  severity        TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  org_id          TEXT NOT NULL,
  source          TEXT NOT NULL,
  title           TEXT NOT NULL,
  body            TEXT NOT NULL,
  command         TEXT NOT NULL,
  facts           TEXT NOT NULL,
  seen            INTEGER NOT NULL CHECK (seen >= 1),
  created_at      TEXT NOT NULL,
  last_seen_at    TEXT NOT NULL,
  notified_at     TEXT NOT NULL,
  acknowledged_at TEXT,
  snoozed_until   TEXT,
  resolved_at     TEXT,
  CHECK (acknowledged_at IS NULL OR snoozed_until IS NULL)
) STRICT;

CREATE UNIQUE INDEX alerts_open ON alerts (key) WHERE resolved_at IS NULL;

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
  trial_until TEXT, failed_by TEXT NOT NULL DEFAULT '',
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

CREATE TABLE daemon_heartbeats (
  pid        INTEGER NOT NULL,
  host       TEXT NOT NULL,
  started_at TEXT NOT NULL,
  beat_at    TEXT NOT NULL,
  stopped_at TEXT,
  progress   TEXT NOT NULL,
  PRIMARY KEY (host, pid)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  delivery_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  channel         TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE,
  content         TEXT NOT NULL,
  attempt         INTEGER NOT NULL CHECK (attempt >= 1),
  error_type      TEXT NOT NULL DEFAULT '',
  error_message   TEXT NOT NULL DEFAULT '',
  error_hint      TEXT NOT NULL DEFAULT '',
  created_at      TEXT NOT NULL,
  scheduled_at    TEXT NOT NULL,
  attempted_at    TEXT NOT NULL,
  leased_until    TEXT,
  finalized_at    TEXT,
  CHECK (finalized_at IS NULL OR leased_until IS NULL)
) STRICT;

CREATE UNIQUE INDEX deliveries_pending ON deliveries (channel) WHERE finalized_at IS NULL;

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
  payload       BLOB, edited_at TEXT,
  CHECK ((state IN ('completed', 'discarded', 'cancelled')) = (finalized_at IS NOT NULL)),
  CHECK ((state = 'running') = (leased_until IS NOT NULL))
) STRICT;

CREATE INDEX jobs_by_event ON jobs (event_seq) WHERE event_seq IS NOT NULL;

CREATE INDEX jobs_discarded ON jobs (finalized_at) WHERE state = 'discarded';

CREATE INDEX jobs_waiting ON jobs (stage, scheduled_at) WHERE finalized_at IS NULL;

CREATE TABLE latencies (
  run_id   TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  org_id   TEXT NOT NULL,
  source   TEXT NOT NULL,
  stage    TEXT NOT NULL,
  seconds  REAL NOT NULL CHECK (seconds >= 0),
  requests INTEGER NOT NULL CHECK (requests >= 1),
  PRIMARY KEY (run_id, org_id, source, stage)
) STRICT, WITHOUT ROWID;

CREATE TABLE letter_changes (
  change_id      INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id         INTEGER NOT NULL,
  action         TEXT NOT NULL CHECK (action IN ('retry', 'edit', 'purge')),
  user_name      TEXT NOT NULL,
  host           TEXT NOT NULL,
  changed_at     TEXT NOT NULL,
  stage          TEXT NOT NULL,
  org_id         TEXT,
  source         TEXT,
  account_id     TEXT,
  stream         TEXT,
  error_type     TEXT NOT NULL,
  error_message  TEXT NOT NULL,
  scheduled_at   TEXT,
  payload_bytes  INTEGER,
  payload_sha256 TEXT,
  new_sha256     TEXT,
  payload        BLOB,
  CHECK ((action = 'retry') = (scheduled_at IS NOT NULL)),
  CHECK ((action = 'edit') = (new_sha256 IS NOT NULL)),
  CHECK ((payload_sha256 IS NULL) = (payload_bytes IS NULL))
) STRICT;

CREATE INDEX letter_changes_by_job ON letter_changes (job_id);

CREATE TABLE notices (
  notice_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  alert_id     INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
  channel      TEXT NOT NULL,
  event        TEXT NOT NULL CHECK (event IN ('raised', 'escalated', 'repeated', 'resolved')),
  delivery_id  INTEGER REFERENCES deliveries,
  created_at   TEXT NOT NULL,
  scheduled_at TEXT NOT NULL
) STRICT;

CREATE INDEX notices_by_alert ON notices (alert_id);

CREATE INDEX notices_by_delivery ON notices (delivery_id) WHERE delivery_id IS NOT NULL;

CREATE INDEX notices_waiting ON notices (channel, scheduled_at) WHERE delivery_id IS NULL;

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

CREATE TABLE run_sources (
  run_id      TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  org_id      TEXT NOT NULL,
  source      TEXT NOT NULL,
  outcome     TEXT NOT NULL CHECK (outcome IN ('ok', 'unchanged', 'failed', 'offline')),
  problems    TEXT NOT NULL,
  received    INTEGER NOT NULL CHECK (received >= 0),
  cpu_seconds REAL NOT NULL,
  PRIMARY KEY (run_id, org_id, source)
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

CREATE TABLE source_visits (
  org_id     TEXT NOT NULL,
  source     TEXT NOT NULL,
  visited_at TEXT NOT NULL,
  outcome    TEXT NOT NULL,
  failures   INTEGER NOT NULL CHECK (failures >= 0),
  transient  INTEGER NOT NULL CHECK (transient IN (0, 1)),
  PRIMARY KEY (org_id, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_requests (
  sync_request_id INTEGER PRIMARY KEY AUTOINCREMENT,
  scope           TEXT NOT NULL,
  created_at      TEXT NOT NULL,
  run_id          TEXT REFERENCES runs ON DELETE CASCADE,
  served_at       TEXT,
  CHECK ((run_id IS NULL) = (served_at IS NULL))
) STRICT;

CREATE INDEX sync_requests_pending ON sync_requests (sync_request_id) WHERE run_id IS NULL;
