-- On what a recipient first tapped, and which link: of taps from now on. A tap that seemed too early becomes the first one
-- when a chat proves it, so it has the same.
ALTER TABLE recipients ADD COLUMN first_tap_device TEXT; -- android | iphone | tablet | desktop | other
ALTER TABLE recipients ADD COLUMN first_tap_link BIGINT; -- 0 is the chat, from 1 on the addresses in the text
ALTER TABLE recipients ADD COLUMN early_tap_device TEXT;
ALTER TABLE recipients ADD COLUMN early_tap_link BIGINT;
