-- +goose Up
-- Where a rendering's bytes may change from showing to showing (package plate),
-- found when it is imported; NULL for those of before, until they are asked for.
-- No row is touched: this takes the file's write lock for a moment, whatever
-- there is, and no reader waits.
ALTER TABLE renderings ADD COLUMN plate BLOB;
