-- How many seconds each test of a host may take; none where its agent's configuration says so.
ALTER TABLE hosts ADD COLUMN test_timeout INTEGER CHECK (test_timeout > 0);
