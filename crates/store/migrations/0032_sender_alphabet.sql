-- What a sender does with texts outside of the plain alphabet: any | gsm_replace | gsm_refuse.
ALTER TABLE senders ADD COLUMN alphabet TEXT NOT NULL DEFAULT 'any';
