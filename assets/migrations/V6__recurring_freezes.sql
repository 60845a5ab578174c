-- The rule of a freeze that repeats, with its times in the wall clock of its zone; `starts_at` and `ends_at` are then the
-- span of all of them. JSON.
ALTER TABLE freezes ADD COLUMN repeats TEXT;
-- What becomes of what runs when it begins.
ALTER TABLE freezes ADD COLUMN running TEXT NOT NULL DEFAULT 'finish' CHECK (running IN ('finish', 'stop-at-step'));
-- What the calendar it was read from calls it.
ALTER TABLE freezes ADD COLUMN uid TEXT;
-- How often it was changed: whoever changes it has seen this one.
ALTER TABLE freezes ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
