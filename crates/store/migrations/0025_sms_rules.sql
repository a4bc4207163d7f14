-- What a campaign asks of the policy beside what its workspace sets (JSON): whether quiet hours discard, its label, and its
-- programme.
ALTER TABLE campaigns ADD COLUMN rules TEXT NOT NULL DEFAULT '{}';

-- Hours a sender keeps beside the workspace's (JSON); none: the workspace's alone.
ALTER TABLE senders ADD COLUMN hours TEXT;

-- The series a promotional message belongs to, for caps that count one series alone.
ALTER TABLE marketing_sends ADD COLUMN label TEXT;
ALTER TABLE marketing_sends ADD COLUMN programme_id UUID;
