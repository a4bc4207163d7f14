-- Answers to a question of a chain that did not fit, so that it is not asked without end.
ALTER TABLE keyword_dialogues ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
-- Rows that say yes whose consent has ended or is in review; they were counted with those who had opted out.
ALTER TABLE imports ADD COLUMN held_back BIGINT NOT NULL DEFAULT 0;
