-- How each source fared in a run, and what share of the run's CPU time its records took.
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

-- How long the slowest request of a source took through one stage, of what a run published.
CREATE TABLE latencies (
  run_id   TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
  org_id   TEXT NOT NULL,
  source   TEXT NOT NULL,
  stage    TEXT NOT NULL,
  seconds  REAL NOT NULL CHECK (seconds >= 0),
  requests INTEGER NOT NULL CHECK (requests >= 1),
  PRIMARY KEY (run_id, org_id, source, stage)
) STRICT, WITHOUT ROWID;
