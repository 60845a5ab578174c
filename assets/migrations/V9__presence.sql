-- Who has the panes open, and what they look at. Information and never a lock: anybody who can write the store can write
-- here, nothing is decided by it, and none of it is in the journal.
CREATE TABLE sessions (
  host      TEXT NOT NULL,
  boot      TEXT NOT NULL,
  pid       INTEGER NOT NULL,
  start     INTEGER NOT NULL,
  by_name   TEXT NOT NULL,
  by_uid    INTEGER NOT NULL,
  by_login  TEXT,
  tty       TEXT,
  client    TEXT,
  since     TEXT NOT NULL,
  -- The last key.
  active_at TEXT NOT NULL,
  -- JSON: pane, release, deployment, the dialog that acts.
  focus     TEXT NOT NULL,
  PRIMARY KEY (host, boot, pid, start)
) STRICT;
-- A line to everybody who has the panes open.
CREATE TABLE calls (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       TEXT NOT NULL,
  by_name  TEXT NOT NULL,
  by_uid   INTEGER NOT NULL,
  by_login TEXT,
  text     TEXT NOT NULL CHECK (length(text) > 0)
) STRICT;
-- Who has said that they look after a deployment that waits for a person. JSON.
ALTER TABLE deployments ADD COLUMN taken TEXT;
-- The second person who confirmed it while it was started, or the group that needs none. JSON.
ALTER TABLE deployments ADD COLUMN witness TEXT;
-- A starter asks for a second person, who types the code that they were told. One row an asking; what became of it ends it.
CREATE TABLE witness_requests (
  id          INTEGER PRIMARY KEY,
  service     TEXT NOT NULL,
  version     TEXT NOT NULL,
  environment TEXT NOT NULL,
  subject     TEXT NOT NULL,
  -- Who starts it, from where: JSON.
  starter     TEXT NOT NULL,
  asked_at    TEXT NOT NULL,
  expires_at  TEXT NOT NULL,
  nonce       TEXT NOT NULL,
  -- SHA-256 over nonce and code: the code itself is with who asked.
  challenge   TEXT NOT NULL,
  tries       INTEGER NOT NULL DEFAULT 0,
  -- Who confirmed it, when: JSON.
  witnessed   TEXT,
  used_by     INTEGER REFERENCES deployments (id),
  ended_why   TEXT,
  FOREIGN KEY (service, version) REFERENCES releases (service, version),
  CHECK (used_by IS NULL OR witnessed IS NOT NULL)
) STRICT;
-- One asking at a time for a place, and a confirmation serves one deployment.
CREATE UNIQUE INDEX one_witness_request ON witness_requests (service, environment)
  WHERE used_by IS NULL AND ended_why IS NULL;
CREATE UNIQUE INDEX one_witness_a_deployment ON witness_requests (used_by) WHERE used_by IS NOT NULL;
