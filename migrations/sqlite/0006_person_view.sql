-- How a person wants the fleet page to look.
ALTER TABLE users ADD COLUMN fleet_view TEXT NOT NULL DEFAULT '{}' CHECK (length(fleet_view) <= 1000);   -- protocol JSON
