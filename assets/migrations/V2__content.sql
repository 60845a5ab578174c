-- What was deployed, as one digest over commit, artifact name and artifact digest: a success elsewhere proves something
-- only for the same content. NULL in rows that were recorded before.
ALTER TABLE deployments ADD COLUMN content TEXT;
-- Whether it was asked for as a rollback and so passes what guards going on. The kind is computed: putting an older
-- release in place is a rollback too, but not one that passes anything.
ALTER TABLE deployments ADD COLUMN rescue INTEGER NOT NULL DEFAULT 0 CHECK (rescue IN (0, 1));
UPDATE deployments SET rescue = 1 WHERE kind = 'rollback';
