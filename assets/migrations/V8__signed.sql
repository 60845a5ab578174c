-- A decision may be signed by who made it: the exact text, the signature, where the key was, and a number that no other
-- signed decision has, so that one counts once.
ALTER TABLE approvals ADD COLUMN statement TEXT;
ALTER TABLE approvals ADD COLUMN signature TEXT;
ALTER TABLE approvals ADD COLUMN key_held TEXT CHECK (key_held IN ('agent', 'file'));
ALTER TABLE approvals ADD COLUMN nonce TEXT;
CREATE UNIQUE INDEX approvals_by_nonce ON approvals (nonce) WHERE nonce IS NOT NULL;
CREATE INDEX approvals_signed ON approvals (service, id) WHERE statement IS NOT NULL AND ended_at IS NULL;
-- From when on it counts, where its author wanted it to wait.
ALTER TABLE approvals ADD COLUMN effective_at TEXT;
-- What a deployment did, in full: for who approves the next one and wants to know what is different.
ALTER TABLE deployments ADD COLUMN about TEXT;
-- Each use of an override is looked at afterwards by somebody else.
CREATE TABLE override_reviews (
  deployment_id INTEGER PRIMARY KEY REFERENCES deployments (id),
  verdict       TEXT NOT NULL CHECK (verdict IN ('justified', 'unjustified')),
  by_name       TEXT NOT NULL,
  by_uid        INTEGER NOT NULL,
  by_login      TEXT,
  at            TEXT NOT NULL,
  note          TEXT NOT NULL CHECK (length(note) > 0)
) STRICT;
CREATE INDEX deployments_overridden ON deployments (id) WHERE overrides <> '[]';
