-- A brake that a person took off stays on record, so that the same bad quality does not put it on again; and one that a
-- person is to take off knows that the quality has been back meanwhile.
ALTER TABLE marketing_brakes ADD COLUMN released_at BIGINT;
ALTER TABLE marketing_brakes ADD COLUMN over_at BIGINT;
