-- Ledgers of erasures under way, so that another run goes on from them after a power cut.
--
-- One row for each run. A run that is ended keeps its row without the document, so that nothing that
-- comes late opens it again; an open one has a document. A drive has at most one open run.

CREATE TABLE ledger (
    run         TEXT   NOT NULL PRIMARY KEY,
    drive       TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL REFERENCES station (fingerprint),
    changed_s   BIGINT NOT NULL,
    sequence    BIGINT NOT NULL,
    document    BLOB
);

CREATE UNIQUE INDEX ledger_open ON ledger (drive) WHERE document IS NOT NULL;
