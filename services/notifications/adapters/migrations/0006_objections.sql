ALTER TABLE gate_permissions DROP CONSTRAINT gate_permissions_choice_check;
ALTER TABLE gate_permissions ADD CONSTRAINT gate_permissions_choice_check
    CHECK (choice IN ('unsaid', 'given', 'withdrawn', 'objected'));
