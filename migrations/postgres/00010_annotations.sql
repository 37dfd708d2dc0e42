-- +goose Up
-- The events about annotations and the model are few among millions. Later
-- months get the index from the table.
CREATE INDEX events_of_annotations ON events (seq) WHERE name IN
    ('AnnotationAccepted.v1', 'AnnotationDisputed.v1', 'ImageUnreadable.v1', 'AnnotationWithdrawn.v1', 'ModelFitted.v1');
