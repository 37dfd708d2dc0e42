package corpus

import (
	"context"
	"database/sql"
	"fmt"

	"ocapi/domain"
)

const (
	// Answered from the index alone.
	selectPlanHeads = `SELECT pool, type, MAX(number) FROM plans GROUP BY pool, type`

	selectPlans = `SELECT id, number, body FROM plans WHERE pool = $1 AND type = $2 ORDER BY number DESC LIMIT $3`

	countPlansFrom = `SELECT COUNT(*) FROM plans WHERE pool = $1 AND type = $2 AND number >= $3`

	insertPlan = `INSERT INTO plans (id, pool, type, number, made_at, body) VALUES ($1, $2, $3, $4, $5, $6)`

	deletePlans = `DELETE FROM plans WHERE pool = $1 AND type = $2 AND number <= $3`
)

// PlanHeads tells the number of the newest plan in each line. It is cheap: it
// may be asked twice a second.
func (s *Store) PlanHeads(ctx context.Context) (map[domain.PlanKey]int, error) {
	heads := map[domain.PlanKey]int{}
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectPlanHeads, nil, func(rows *sql.Rows) error {
			var key domain.PlanKey
			var number int
			if err := rows.Scan(&key.Pool, &key.Type, &number); err != nil {
				return err
			}
			heads[key] = number
			return nil
		})
	})
	return heads, wrap(err, "read which plans there are")
}

// RecentPlans gives the newest plans of a line, the newest first, at most
// [domain.Generations]. One that cannot be read, because a newer release or
// nobody has made it, is an error that wraps [domain.ErrMalformedPlan].
func (s *Store) RecentPlans(ctx context.Context, key domain.PlanKey) ([]*domain.Plan, error) {
	var plans []*domain.Plan
	err := s.view(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, selectPlans, []any{key.Pool, key.Type, domain.Generations}, func(rows *sql.Rows) error {
			var id int64
			var number int
			var body []byte
			if err := rows.Scan(&id, &number, &body); err != nil {
				return err
			}
			plan, err := domain.DecodePlan(body)
			if err == nil && (plan.Type != key.Type || plan.Number != number) {
				err = fmt.Errorf("%w: it is number %d for the type %s", domain.ErrMalformedPlan, plan.Number, plan.Type)
			}
			if err != nil {
				return fmt.Errorf("plan %d: %w", id, err)
			}
			plan.Generation = uint64(id)
			plans = append(plans, plan)
			return nil
		})
	})
	return plans, wrap(err, "read the plans of %q for %s", string(key.Pool), key.Type)
}

// AddPlan stores the next plan of a line, under its generation, and forgets
// those that nobody has to remember any more. It reports false, and changes
// nothing, when the line has a plan of that number already, or a later one.
func (s *Store) AddPlan(ctx context.Context, pool domain.PoolKey, plan *domain.Plan) (added bool, err error) {
	if plan.Generation == 0 || plan.Generation > 1<<63-1 {
		return false, fmt.Errorf("store a plan: %d is no generation", plan.Generation)
	}
	err = s.change(ctx, func(tx *sql.Tx) (bool, error) {
		// Whoever is late by so many plans that this number is forgotten is late, too.
		var later int
		if err := tx.QueryRowContext(ctx, countPlansFrom, pool, plan.Type, plan.Number).Scan(&later); err != nil || later > 0 {
			return false, err
		}
		_, err := tx.ExecContext(ctx, insertPlan, int64(plan.Generation), pool, plan.Type, plan.Number,
			domain.Moment(s.now()).UnixMicro(), plan.Encode())
		if err == nil {
			_, err = tx.ExecContext(ctx, deletePlans, pool, plan.Type, plan.Number-domain.Generations)
		}
		added = err == nil
		return false, err // the collections are what they were
	})
	return added && err == nil, wrap(err, "store plan %d of %q for %s", plan.Number, string(pool), plan.Type)
}
