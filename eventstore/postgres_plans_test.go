package eventstore_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"ocapi/eventstore"
)

// TestPostgresPlansUseIndexes makes the plans that sessions keep while the months
// are empty and the server knows it: the time at which reading the whole of
// them looks cheapest.
func TestPostgresPlansUseIndexes(t *testing.T) {
	t.Parallel()
	_, db, _ := postgresArchive(t)
	execute(t, db, `ANALYZE`)
	tx, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context()) //nolint:errcheck // nothing was written
	if _, err := tx.Exec(t.Context(), `SET LOCAL plan_cache_mode = force_generic_plan`); err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\$\d`)
	for _, query := range eventstore.PostgresQueries {
		numbers := map[string]bool{}
		for _, p := range parameter.FindAllString(query, -1) {
			numbers[p] = true
		}
		execute := `EXPLAIN EXECUTE asked (` + strings.TrimSuffix(strings.Repeat("NULL, ", len(numbers)), ", ") + `)`
		if _, err := tx.Exec(t.Context(), `PREPARE asked AS `+query); err != nil {
			t.Fatal(err)
		}
		rows, err := tx.Query(t.Context(), execute, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan") || !strings.Contains(text, "Index") {
			t.Errorf("%s\nreads a whole table:\n%s", query, text)
		}
		if _, err := tx.Exec(t.Context(), `DEALLOCATE asked`); err != nil {
			t.Fatal(err)
		}
	}
}
