//go:build linux

package events

import (
	"path/filepath"
	"testing"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/sqlite"
)

// TestGeneratedLog holds the log that is made up to what a service writes: a
// creation and then, as a rule, its answer, most of them right.
func TestGeneratedLog(t *testing.T) {
	t.Parallel()
	const events = 5000
	data := filepath.Join(t.TempDir(), "data")
	size, err := writeLog(t.Context(), data, events)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scanBare(t.Context(), filepath.Join(data, ArchiveName), events, size); err != nil {
		t.Error(err)
	}
	if _, err := scanBare(t.Context(), filepath.Join(data, ArchiveName), events+1, size); err == nil {
		t.Error("a scan does not notice that a row is missing")
	}
	db, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(data, ArchiveName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was read
	a := eventstore.NewSQLiteArchive(nil, db.Read)
	var last *domain.ChallengeCreated
	types := map[domain.ChallengeType]int{}
	validated, answers, n := 0, 0, 0
	err = a.Events(t.Context(), eventstore.EventFilter{}, func(r domain.Record) error {
		n++
		switch e := r.Event.(type) {
		case *domain.ChallengeCreated:
			last = e
			types[e.Type]++
		case *domain.ChallengeAnswered:
			answers++
			if e.Challenge != last.Challenge || domain.CheckAnswer(last, e.Answer) != nil || domain.Judge(last, e.Answer) != e.Verdict {
				t.Errorf("event %d is no answer to what was created before it", r.Seq)
			}
			if e.Verdict == domain.StatusValidated {
				validated++
			}
		}
		return nil
	})
	if err != nil || n != events {
		t.Fatalf("read %d events: %v", n, err)
	}
	at, err := a.Checkpoint(t.Context())
	if err != nil || at.Seq != events {
		t.Errorf("the checkpoint is %+v: %v", at, err)
	}
	created := n - answers
	if 2*answers < created || 4*answers > 3*created || 3*validated < answers || types[domain.TypeTranscription]*4 < created || types[domain.TypeClassification]*4 < created {
		t.Errorf("of %d challenges %v, %d are answered and %d validated", created, types, answers, validated)
	}
}
