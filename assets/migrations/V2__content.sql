-- What was deployed, as one digest over commit, artifact name and artifact digest: a success elsewhere proves something
-- only for the same content. NULL in rows that were recorded before.
ALTER TABLE deployments ADD COLUMN content TEXT;
