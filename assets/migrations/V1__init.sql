-- The first schema. Rules it guarantees by itself, whoever writes: states are words the program knows, one active
-- deployment per service and environment, a journal that only grows.
-- Times are UTC text of fixed width (2026-09-01T10:00:00.000Z): they sort, and a person can read them.
-- SQL stays in what SQLite and PostgreSQL share, except for STRICT and the trigger bodies.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE releases (
  id         INTEGER PRIMARY KEY,
  service    TEXT NOT NULL CHECK (length(service) BETWEEN 1 AND 40),
  version    TEXT NOT NULL CHECK (length(version) BETWEEN 1 AND 64),
  title      TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('standard', 'hotfix')),
  state      TEXT NOT NULL CHECK (state IN ('open', 'closed', 'rejected', 'cancelled')),
  stage      TEXT NOT NULL CHECK (stage IN ('request', 'plan', 'build', 'test', 'prepare', 'deploy', 'review')),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  revision   INTEGER NOT NULL CHECK (revision > 0),
  record     TEXT NOT NULL,
  UNIQUE (service, version)
) STRICT;
CREATE INDEX releases_open ON releases (stage, id) WHERE state = 'open';
CREATE INDEX releases_past ON releases (updated_at, id) WHERE state <> 'open';
CREATE INDEX releases_of_service ON releases (service, id);

CREATE TABLE approvals (
  id         INTEGER PRIMARY KEY,
  service    TEXT NOT NULL,
  version    TEXT NOT NULL,
  subject    TEXT NOT NULL,
  verdict    TEXT NOT NULL CHECK (verdict IN ('approved', 'rejected')),
  by_name    TEXT NOT NULL,
  by_uid     INTEGER NOT NULL,
  by_login   TEXT,
  at         TEXT NOT NULL,
  reason     TEXT,
  digest     TEXT NOT NULL,
  content    TEXT NOT NULL,
  expires_at TEXT,
  ended_at   TEXT,
  ended_why  TEXT,
  CHECK ((ended_at IS NULL) = (ended_why IS NULL)),
  CHECK (verdict <> 'rejected' OR reason IS NOT NULL),
  FOREIGN KEY (service, version) REFERENCES releases (service, version)
) STRICT;
CREATE INDEX approvals_of_release ON approvals (service, version);
-- One standing decision of one person about one subject.
CREATE UNIQUE INDEX one_decision_per_person ON approvals (service, version, subject, by_uid) WHERE ended_at IS NULL;

CREATE TABLE freezes (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL,
  reason       TEXT NOT NULL,
  services     TEXT NOT NULL,
  environments TEXT NOT NULL,
  starts_at    TEXT NOT NULL,
  ends_at      TEXT NOT NULL,
  zone         TEXT NOT NULL,
  created_by   TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  removed_at   TEXT,
  removed_by   TEXT,
  CHECK (starts_at < ends_at),
  CHECK ((removed_at IS NULL) = (removed_by IS NULL))
) STRICT;
CREATE INDEX freezes_standing ON freezes (ends_at) WHERE removed_at IS NULL;

CREATE TABLE deployments (
  id              INTEGER PRIMARY KEY,
  service         TEXT NOT NULL,
  version         TEXT NOT NULL,
  environment     TEXT NOT NULL,
  kind            TEXT NOT NULL CHECK (kind IN ('deploy', 'redeploy', 'rollback')),
  state           TEXT NOT NULL CHECK (state IN ('scheduled', 'waiting', 'launching', 'running', 'paused',
                    'succeeded', 'failed', 'cancelled', 'missed', 'superseded', 'lost')),
  epoch           INTEGER NOT NULL CHECK (epoch > 0),
  strategy        TEXT NOT NULL,
  previous        TEXT,
  artifact_digest TEXT,
  subject         TEXT NOT NULL,
  color           TEXT CHECK (color IN ('blue', 'green')),
  reason          TEXT,
  overrides       TEXT NOT NULL,
  by_name         TEXT NOT NULL,
  by_uid          INTEGER NOT NULL,
  by_login        TEXT,
  requested_at    TEXT NOT NULL,
  claimed_at      TEXT,
  finished_at     TEXT,
  heartbeat_at    TEXT,
  host            TEXT NOT NULL,
  boot            TEXT NOT NULL,
  uid             INTEGER NOT NULL,
  script_pid      INTEGER,
  script_start    INTEGER,
  progress        INTEGER CHECK (progress BETWEEN 0 AND 100),
  progress_note   TEXT,
  log_size        INTEGER NOT NULL DEFAULT 0,
  log_digest      TEXT,
  log_dropped     INTEGER NOT NULL DEFAULT 0,
  cancel_by       TEXT,
  cancel_at       TEXT,
  cancel_kind     TEXT CHECK (cancel_kind IN ('gentle', 'kill')),
  cancel_reason   TEXT,
  cause           TEXT,
  failed_step     TEXT,
  left_running    TEXT NOT NULL,
  recovered_by    TEXT,
  report          TEXT NOT NULL,
  relman_version  TEXT NOT NULL,
  CHECK ((state IN ('succeeded', 'failed', 'cancelled', 'missed', 'superseded')) = (finished_at IS NOT NULL)),
  CHECK (finished_at IS NULL OR cause IS NOT NULL),
  CHECK ((cancel_by IS NULL) = (cancel_at IS NULL)),
  FOREIGN KEY (service, version) REFERENCES releases (service, version)
) STRICT;
CREATE UNIQUE INDEX one_active_deployment ON deployments (service, environment)
  WHERE state IN ('launching', 'running', 'paused', 'lost');
CREATE INDEX deployments_of_environment ON deployments (service, environment, id);
CREATE INDEX deployments_live ON deployments (service, environment, id) WHERE state = 'succeeded';
CREATE INDEX deployments_of_release ON deployments (service, version, id);
CREATE INDEX deployments_by_time ON deployments (requested_at, id);
CREATE INDEX deployments_active ON deployments (id) WHERE state IN ('launching', 'running', 'paused', 'lost');

CREATE TABLE deployment_steps (
  deployment_id INTEGER NOT NULL REFERENCES deployments (id),
  position      INTEGER NOT NULL,
  plan          TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('pending', 'waiting', 'running', 'succeeded', 'failed', 'skipped')),
  attempt       INTEGER NOT NULL,
  started_at    TEXT,
  finished_at   TEXT,
  log_from      INTEGER,
  log_to        INTEGER,
  cause         TEXT,
  PRIMARY KEY (deployment_id, position)
) STRICT;

CREATE TABLE journal (
  seq      INTEGER PRIMARY KEY,
  at_ms    INTEGER NOT NULL,
  actor    TEXT NOT NULL,
  verb     TEXT NOT NULL,
  subject  TEXT NOT NULL,
  result   TEXT NOT NULL CHECK (result IN ('done', 'refused')),
  body     TEXT NOT NULL,
  previous TEXT NOT NULL CHECK (length(previous) = 64),
  hash     TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;
CREATE INDEX journal_of_subject ON journal (subject, seq);
CREATE TRIGGER journal_is_append_only_on_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_append_only_on_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
