-- What a prompt is about, and about what nothing is sent to a person any more.
ALTER TABLE ledger ADD COLUMN case_id text NOT NULL DEFAULT '';
CREATE TABLE gate_closed_cases (
    subject text NOT NULL REFERENCES gate_subjects,
    case_id text NOT NULL,
    PRIMARY KEY (subject, case_id)
);
