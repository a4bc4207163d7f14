-- The last number that a campaign of the installation was given. It only rises, so that the printed codes of a draft that
-- was deleted never lead into another workspace.
CREATE TABLE campaign_numbers (
    id BIGINT NOT NULL PRIMARY KEY, -- one row
    last_number BIGINT NOT NULL
) /* table */;

INSERT INTO campaign_numbers (id, last_number) SELECT 1, COALESCE(MAX(number), 0) FROM campaigns;
