-- Stations, tokens, armings, reports with their receipts.
--
-- Plain SQL that SQLite and PostgreSQL both read, but for BLOB: on PostgreSQL a domain of that
-- name over bytea comes first. Times are seconds since 1970 in UTC and end in _s.

CREATE TABLE station (
    fingerprint TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    public_key  TEXT   NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('pending', 'accepted', 'revoked')),
    enrolled_s  BIGINT NOT NULL,
    accepted_s  BIGINT,
    revoked_s   BIGINT
);

-- A token itself is nowhere: only its SHA-256.
CREATE TABLE token (
    sha256    TEXT   NOT NULL PRIMARY KEY,
    expires_s BIGINT NOT NULL,
    used_by   TEXT   REFERENCES station (fingerprint)
);

-- Past armings stay: they say who allowed unattended erasing, when and for how many machines.
CREATE TABLE arming (
    number       BIGINT NOT NULL PRIMARY KEY,
    armed_s      BIGINT NOT NULL,
    until_s      BIGINT NOT NULL,
    machines_max BIGINT NOT NULL,
    disarmed_s   BIGINT
);

CREATE TABLE arming_machine (
    arming_number BIGINT NOT NULL REFERENCES arming (number),
    machine       TEXT   NOT NULL,
    fingerprint   TEXT   NOT NULL REFERENCES station (fingerprint),
    first_s       BIGINT NOT NULL,
    PRIMARY KEY (arming_number, machine)
);

-- A report and its receipt are one row, so that neither is ever there without the other.
-- Columns from machine to drives_verified are read from the bytes once, for the list.
CREATE TABLE report (
    report_id         TEXT   NOT NULL PRIMARY KEY,
    number            BIGINT NOT NULL UNIQUE,
    fingerprint       TEXT   NOT NULL REFERENCES station (fingerprint),
    received_s        BIGINT NOT NULL,
    machine           TEXT   NOT NULL,
    maker             TEXT,
    model             TEXT,
    serial            TEXT,
    grade             TEXT,
    drives_total      BIGINT NOT NULL,
    drives_verified   BIGINT NOT NULL,
    sha256            TEXT   NOT NULL,
    receipt_bytes     BLOB   NOT NULL,
    receipt_signature TEXT   NOT NULL,
    signature         TEXT   NOT NULL,
    bytes             BLOB   NOT NULL
);

CREATE INDEX report_of_machine ON report (machine, number);
