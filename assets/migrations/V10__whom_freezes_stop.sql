-- Some freezes stop only what begins by itself, or only what a person starts.
ALTER TABLE freezes ADD COLUMN stops TEXT NOT NULL DEFAULT 'all' CHECK (stops IN ('all', 'automation', 'people'));
-- Set aside without being taken away.
ALTER TABLE freezes ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1));
