package eventstore_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/eventstore"
)

// TestArchiveKeepsSnapshots keeps what goes up to an archived event, the latest
// under each name, and nothing else.
func TestArchiveKeepsSnapshots(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		batch := records(t, 1, "site", 4)
		archive(t, a, batch...)
		read := func(name string) (eventstore.Snapshot, bool) {
			t.Helper()
			got, found, err := a.again().Snapshot(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			return got, found
		}
		if got, found := read("frequency"); found {
			t.Errorf("before there was one the snapshot is %+v", got)
		}
		made := time.Date(2026, 3, 14, 9, 26, 53, 589_793_000, time.UTC)
		at := func(i int) eventstore.Checkpoint { return checkpointOf(batch[i]) }
		put := func(s eventstore.Snapshot) error { return a.PutSnapshot(t.Context(), s) }
		first := eventstore.Snapshot{Name: "frequency", At: at(1), MadeAt: made, Body: bytes.Repeat([]byte{0, 1, 2, 255}, 1<<18)}
		other := eventstore.Snapshot{Name: "another", At: at(2), MadeAt: made, Body: []byte("x")}
		second := eventstore.Snapshot{Name: "frequency", At: at(5), MadeAt: made.Add(time.Microsecond), Body: []byte("y")}
		for _, s := range []eventstore.Snapshot{first, other, first, second} {
			if err := put(s); err != nil {
				t.Fatal(err)
			}
			if got, found := read(s.Name); !found || !cmp.Equal(got, s) {
				t.Errorf("the snapshot is found %t, and differs by\n%s", found, cmp.Diff(s, got))
			}
		}
		if got, _ := read("another"); !cmp.Equal(got, other) {
			t.Errorf("another's snapshot differs by\n%s", cmp.Diff(other, got))
		}

		elsewhere, renamed, later := at(5), at(5), at(5)
		elsewhere.Incarnation++
		renamed.EventID = newEventID()
		later.Seq++
		for name, to := range map[string]eventstore.Checkpoint{
			"another incarnation": elsewhere, "another event": renamed, "a sequence that is not archived": later, "nothing": {},
		} {
			if err := put(eventstore.Snapshot{Name: "frequency", At: to, MadeAt: made, Body: []byte("z")}); !errors.Is(err, eventstore.ErrNotArchived) {
				t.Errorf("%s: PutSnapshot = %v, want ErrNotArchived", name, err)
			}
		}
		if got, _ := read("frequency"); !cmp.Equal(got, second) {
			t.Errorf("after refusals the snapshot differs by\n%s", cmp.Diff(second, got))
		}
		// As when the events were restored without it, from another time.
		if err := a.exec(t.Context(), `UPDATE snapshots SET incarnation = incarnation + 1 WHERE name = 'frequency'`); err != nil {
			t.Fatal(err)
		}
		if got, found := read("frequency"); found {
			t.Errorf("a snapshot of other events is given: %+v", got)
		}
	})
}
