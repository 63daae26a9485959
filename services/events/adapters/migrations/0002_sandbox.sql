-- What would have become of a prompt to each simulated person of a sandbox event.
CREATE TABLE simulations (
    event_id text NOT NULL,
    role     text NOT NULL,
    outcome  text NOT NULL CHECK (outcome IN ('delivered', 'declined', 'unreachable')),
    PRIMARY KEY (event_id, role)
);
