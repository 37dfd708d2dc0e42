package corpus

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ocapi/domain"
)

// ImportedVote is an answer that somebody gave on another platform. Who it was
// is not kept.
type ImportedVote struct {
	Collection     domain.CollectionID
	Classification string // the platform's id of one sitting with one subject
	Task           string
	N              int    // from 0, where a task has several answers
	Subject        string // the platform's id of what was looked at
	File           string // its picture's file name, where it is said
	Question       string
	Value          string // empty: the question was left out
	Workflow       string
	Version        string // of the workflow
	DecidedAt      time.Time
}

// VoteKey names a vote within a collection. The zero value is before all.
type VoteKey struct {
	Classification, Task string
	N                    int
}

// Key gives the vote's name.
func (v *ImportedVote) Key() VoteKey { return VoteKey{v.Classification, v.Task, v.N} }

const (
	insertVote = `INSERT INTO imported_votes (collection, classification, task, n, subject, file, question, value, workflow, version, decided_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (collection, classification, task, n) DO NOTHING`

	selectVote = `SELECT count(*) FROM imported_votes WHERE collection = $1 AND classification = $2 AND task = $3 AND n = $4`

	selectVotes = `SELECT classification, task, n, subject, file, question, value, workflow, version, decided_at
		FROM imported_votes WHERE collection = $1 AND (classification, task, n) > ($2, $3, $4)
		ORDER BY classification, task, n LIMIT $5`

	deleteCollectionVotes = `DELETE FROM imported_votes WHERE collection = $1`
)

// AddVotes adds votes to collections that are there, all in one transaction,
// and says how many are new. One that is there, by its key, is left as it is,
// so adding the same again changes nothing. Dealing does not depend on votes:
// the revision stays.
func (s *Store) AddVotes(ctx context.Context, votes []ImportedVote) (int, error) {
	added := 0
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		for i := range votes {
			v := &votes[i]
			made, err := affected(tx.ExecContext(ctx, insertVote, v.Collection, v.Classification, v.Task, v.N, v.Subject, v.File,
				v.Question, v.Value, v.Workflow, v.Version, domain.Moment(v.DecidedAt).UnixMicro()))
			if err != nil {
				return false, fmt.Errorf("classification %s, task %s: %w", v.Classification, v.Task, err)
			}
			if made {
				added++
			}
		}
		return false, nil
	})
	if err != nil {
		return 0, wrap(err, "add %d votes", len(votes))
	}
	return added, nil
}

// MissingVotes says how many of the votes are not there, and so what
// [Store.AddVotes] would add.
func (s *Store) MissingVotes(ctx context.Context, votes []ImportedVote) (int, error) {
	missing := 0
	err := s.view(ctx, func(tx *sql.Tx) error {
		for i := range votes {
			v := &votes[i]
			var there int
			if err := tx.QueryRowContext(ctx, selectVote, v.Collection, v.Classification, v.Task, v.N).Scan(&there); err != nil {
				return err
			}
			missing += 1 - there
		}
		return nil
	})
	return missing, wrap(err, "look up %d votes", len(votes))
}

// Votes gives up to limit votes of a collection in the order of their keys,
// beginning after one of them. The next are got with the last one's key; none
// means that there are no more.
func (s *Store) Votes(ctx context.Context, id domain.CollectionID, after VoteKey, limit int) ([]ImportedVote, error) {
	var votes []ImportedVote
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectVotes, []any{id, after.Classification, after.Task, after.N, limit}, func(rows *sql.Rows) error {
			v := ImportedVote{Collection: id}
			var at int64
			if err := rows.Scan(&v.Classification, &v.Task, &v.N, &v.Subject, &v.File, &v.Question, &v.Value, &v.Workflow, &v.Version, &at); err != nil {
				return err
			}
			v.DecidedAt = time.UnixMicro(at).UTC()
			votes = append(votes, v)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the votes of the collection %s: %w", id, err)
	}
	return votes, nil
}
