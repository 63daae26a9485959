-- Losses that may be about more than one child: each that may be meant is silent, until the register
-- says which it was. Such an event stays here for good; in doubt are those not in void_events.
CREATE TABLE doubtful_losses (
    event_id text PRIMARY KEY,
    noticed_at timestamptz NOT NULL
);
