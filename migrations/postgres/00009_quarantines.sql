-- +goose Up
-- The events about quarantines are few among millions. Later months get the
-- index from the table.
CREATE INDEX events_of_quarantines ON events (seq) WHERE name IN ('VotesQuarantined.v1', 'QuarantineLifted.v1');
