-- +goose Up
-- Where a rendering's bytes may change from showing to showing (package plate),
-- found when it is imported; NULL for those of before, until they are asked for.
-- The table is not rewritten and no row is read: the lock is ACCESS EXCLUSIVE,
-- for as long as the catalogue's change takes. Pictures wait for it, and it waits
-- for what is reading the table.
ALTER TABLE renderings ADD COLUMN plate BYTEA;
