-- What a profile is read by, whatever the number of events somebody has lived through.
CREATE INDEX subject_events_by_type ON subject_events (handle, type);
CREATE INDEX subject_events_by_fact ON subject_events (fact_digest, handle)
    WHERE fact_digest IS NOT NULL;
CREATE INDEX record_fields_latest
    ON record_fields (handle, field, registered_at DESC, recorded_at DESC);
