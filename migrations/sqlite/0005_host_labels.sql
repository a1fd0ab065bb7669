-- What people say of a host: words to find it by, and whatever else is to be known.
ALTER TABLE hosts ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';   -- protocol JSON
ALTER TABLE hosts ADD COLUMN notes TEXT NOT NULL DEFAULT '';
