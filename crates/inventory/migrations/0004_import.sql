-- Reports that a person imports: their keys are of no station, so fingerprint references none any more.
--
-- imported_by and import_reason are what the receipt says, too; both are NULL of a report that an
-- accepted station sent. SQLite drops a reference with its table only.

CREATE TABLE report_with_imports (
    report_id         TEXT   NOT NULL PRIMARY KEY,
    number            BIGINT NOT NULL UNIQUE,
    fingerprint       TEXT   NOT NULL,
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
    bytes             BLOB   NOT NULL,
    imported_by       TEXT,
    import_reason     TEXT
);

INSERT INTO report_with_imports (report_id, number, fingerprint, received_s, machine, maker, model,
    serial, grade, drives_total, drives_verified, sha256, receipt_bytes, receipt_signature, signature,
    bytes)
SELECT report_id, number, fingerprint, received_s, machine, maker, model, serial, grade, drives_total,
    drives_verified, sha256, receipt_bytes, receipt_signature, signature, bytes
FROM report;

DROP TABLE report;

ALTER TABLE report_with_imports RENAME TO report;

CREATE INDEX report_of_machine ON report (machine, number);
