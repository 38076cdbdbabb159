-- Since when the credentials in use are used: never the secret, only a keyed fingerprint of it.
CREATE TABLE credentials (
  org_id        TEXT NOT NULL,
  source        TEXT NOT NULL,
  name          TEXT NOT NULL,
  fingerprint   TEXT NOT NULL,
  first_used_at TEXT NOT NULL,
  PRIMARY KEY (org_id, source, name)
) STRICT, WITHOUT ROWID;
