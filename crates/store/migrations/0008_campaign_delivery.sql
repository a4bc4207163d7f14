-- When a campaign starts and how fast it goes, its variants, its approval, and the runs of a recurring one.

ALTER TABLE campaigns ADD COLUMN schedule TEXT NOT NULL DEFAULT '{}';
ALTER TABLE campaigns ADD COLUMN variants TEXT NOT NULL DEFAULT '[]';
ALTER TABLE campaigns ADD COLUMN held_out_percent BIGINT NOT NULL DEFAULT 0;
-- The audience as it was at the start, so that a later change of a segment changes nothing.
ALTER TABLE campaigns ADD COLUMN plan_audience TEXT;
ALTER TABLE campaigns ADD COLUMN next_run_at BIGINT;
ALTER TABLE campaigns ADD COLUMN runs BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaigns ADD COLUMN series_id UUID;
ALTER TABLE campaigns ADD COLUMN attention TEXT;
ALTER TABLE campaigns ADD COLUMN edited_by UUID;
ALTER TABLE campaigns ADD COLUMN submitted_by UUID;
ALTER TABLE campaigns ADD COLUMN approved_by UUID;
ALTER TABLE campaigns ADD COLUMN review_comment TEXT;
-- Messages leave from opens_at until before closes_at; moved on from window to window.
ALTER TABLE campaigns ADD COLUMN opens_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaigns ADD COLUMN closes_at BIGINT;
