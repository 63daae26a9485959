-- A person may object, whether or not they ever permitted.
ALTER TABLE permissions DROP CONSTRAINT permissions_choice_check;
ALTER TABLE permissions ADD CONSTRAINT permissions_choice_check
    CHECK (choice IN ('given', 'withdrawn', 'objected'));
UPDATE permissions SET lawful_basis = 'explicit_consent' WHERE lawful_basis = 'consent';

-- The terms of a change, which the hash of form 2 is over; rows of before keep form 1. When an end
-- held everywhere is known later than the change, so no hash is over it.
ALTER TABLE permission_history
    ADD COLUMN lawful_basis text NOT NULL DEFAULT '',
    ADD COLUMN channels text[] NOT NULL DEFAULT '{}',
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN form smallint NOT NULL DEFAULT 1,
    ADD COLUMN ends boolean NOT NULL DEFAULT false,
    ADD COLUMN took_effect_at timestamptz;
ALTER TABLE permission_history
    ALTER COLUMN lawful_basis DROP DEFAULT,
    ALTER COLUMN channels DROP DEFAULT,
    ALTER COLUMN form DROP DEFAULT,
    ALTER COLUMN ends DROP DEFAULT;
UPDATE permission_history h SET ends = true, took_effect_at = p.took_effect_at
FROM permissions p
WHERE (p.handle, p.ended_serial) = (h.handle, h.serial);
