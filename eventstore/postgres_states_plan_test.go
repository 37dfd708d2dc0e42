package eventstore_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"ocapi/domain"
	"ocapi/eventstore"
)

// TestPostgresStatesAreLookedUp makes the plans for writing rows of states while
// the server believes that there is hardly a row to look for: it has to look up
// each of those that it is given all the same, because it may be wrong by
// millions.
func TestPostgresStatesAreLookedUp(t *testing.T) {
	t.Parallel()
	a, db, _ := postgresArchive(t)
	var batch []eventstore.Record
	for seq := eventstore.Sequence(1); seq <= 2000; seq += 2 {
		c := created("site", newChallengeID())
		batch = append(batch, record(t, seq, c), record(t, seq+1, answered(c, domain.StatusValidated)))
	}
	archive(t, a, batch...)
	execute(t, db, `ANALYZE states`) // none of its rows is without a verdict
	tx, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context()) //nolint:errcheck // nothing was written
	for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
		if _, err := tx.Exec(t.Context(), `SELECT set_config('plan_cache_mode', $1, true)`, mode); err != nil {
			t.Fatal(err)
		}
		for _, query := range eventstore.StatesQueries {
			if _, err := tx.Exec(t.Context(), `PREPARE written AS `+query); err != nil {
				t.Fatal(err)
			}
			// A thousand of each, as in a batch.
			const ids = `array_fill(gen_random_uuid(), '{1000}')`
			args := ids + `, array_fill('site'::text, '{1000}'), array_fill(2::smallint, '{1000}'), array_fill(1::bigint, '{1000}'), 1::smallint`
			if strings.HasPrefix(query, "INSERT") {
				args = `array_fill(1::bigint, '{1000}'), array_fill(0::bigint, '{1000}'), array_fill(now(), '{1000}'), ` + ids + `, array_fill(1::smallint, '{1000}'), array_fill('site'::text, '{1000}')`
			}
			rows, err := tx.Query(t.Context(), `EXPLAIN EXECUTE written (`+args+`)`, pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			if text := strings.Join(plan, "\n"); !strings.Contains(text, "Index Cond: (challenge = v.challenge)") {
				t.Errorf("%s\nwith %s does not look its rows up:\n%s", query, mode, text)
			}
			if _, err := tx.Exec(t.Context(), `DEALLOCATE written`); err != nil {
				t.Fatal(err)
			}
		}
	}
}
