-- Up to which journal entry the events of each hook have been sorted out, by the hook's place in the configuration.
CREATE TABLE hook_cursors (
  hook        TEXT PRIMARY KEY,
  seq         INTEGER NOT NULL CHECK (seq >= 0),
  -- Events that were older than a day when somebody came to sort them out: told, and not sent.
  passed_over INTEGER NOT NULL DEFAULT 0
) STRICT;
-- What is to be told to whom: at least once. The event itself is in the journal, the command in the configuration.
CREATE TABLE hook_deliveries (
  id           INTEGER PRIMARY KEY,
  hook         TEXT NOT NULL,
  seq          INTEGER NOT NULL REFERENCES journal (seq),
  event        TEXT NOT NULL,
  name         TEXT NOT NULL,
  queued_at    TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'given-up')),
  attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  due_at       TEXT NOT NULL,
  leased_until TEXT,
  leased_by    TEXT,
  ended_at     TEXT,
  outcome      TEXT,
  said         TEXT,
  UNIQUE (hook, event),
  CHECK ((state = 'pending') = (ended_at IS NULL))
) STRICT;
CREATE INDEX hook_deliveries_pending ON hook_deliveries (due_at, id) WHERE state = 'pending';
CREATE INDEX hook_deliveries_given_up ON hook_deliveries (id) WHERE state = 'given-up';
-- What came with the time and was put on record once: that a freeze began, that an approval was asked for.
CREATE TABLE moments (
  what TEXT PRIMARY KEY,
  at   TEXT NOT NULL
) STRICT;
-- The change ticket of a release for an environment, with what was answered about it last.
CREATE TABLE change_tickets (
  service     TEXT NOT NULL,
  version     TEXT NOT NULL,
  environment TEXT NOT NULL,
  record      TEXT NOT NULL,
  PRIMARY KEY (service, version, environment),
  FOREIGN KEY (service, version) REFERENCES releases (service, version)
) STRICT;
