-- What vendors say of the accounts we read.
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

-- API call ledger, summed by UTC day; status 0 stands for no answer at all.
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
