-- Machines that start over the network enrol themselves, with a token that whoever asks gets.
--
-- heard_s is when such a station was last heard of while it waits; it is NULL of all others.

ALTER TABLE token ADD COLUMN netboot BIGINT NOT NULL DEFAULT 0;

ALTER TABLE station ADD COLUMN heard_s BIGINT;
