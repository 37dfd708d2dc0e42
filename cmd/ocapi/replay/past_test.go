package replay_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/place/placetest"
)

// TestReplayConsensusOfThePast asks for what was known, and for what would have
// been known without some votes: each is what an archive gives that ends there,
// or that never had them.
func TestReplayConsensusOfThePast(t *testing.T) {
	v := newVoted()
	for range 60 {
		v.challenge("site", "")
	}
	early := len(v.events)
	v.now = v.now.Add(time.Hour)
	from := v.now
	for range 60 {
		v.challenge("other", "poison")
	}
	v.now = v.now.Add(time.Hour)
	to := v.now
	poisoned := len(v.events)
	for range 60 {
		v.challenge("site", "")
	}
	quarantined := &domain.VotesQuarantined{
		Header: v.head("", domain.ChallengeID{UUID: domain.UUID(uuid.New())}), From: from, To: to, Reason: "a flood",
	}
	clean := slices.Concat(v.events[:early], v.events[poisoned:])
	all := append(slices.Clone(v.events), quarantined)

	archived := func(t *testing.T, events []domain.Event) place.Flags {
		p := place.Flags{Data: filepath.Join(t.TempDir(), "data")}
		s, err := place.OpenFolder(t.Context(), p.Data)
		if err != nil {
			t.Fatal(err)
		}
		v.archive(t, s, events)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	of := func(t *testing.T, p place.Flags, flags ...string) string {
		_, text, _ := consensusOf(t, p, flags...)
		return text
	}
	neverHad, endsEarly, unaware := archived(t, clean), archived(t, v.events[:early]), archived(t, v.events)
	stamped := func(at time.Time) string { return at.Format(time.RFC3339Nano) }
	placetest.EachPlace(t, func(t *testing.T, s *place.Stores, p place.Flags) {
		v.archive(t, s, all)
		if of(t, neverHad) == of(t, unaware) || of(t, endsEarly) == of(t, neverHad) {
			t.Fatal("the archives that are compared with are alike")
		}
		for _, tt := range []struct {
			name  string
			flags []string
			want  string
		}{
			{"what is quarantined is as if it had never been", nil, of(t, neverHad)},
			{"the window left out", []string{"--with-quarantined", "--exclude-since", stamped(from), "--exclude-until", stamped(to)}, of(t, neverHad)},
			{"the client left out", []string{"--with-quarantined", "--exclude-client", "other"}, of(t, neverHad)},
			{"with what is quarantined", []string{"--with-quarantined"}, of(t, unaware)},
			{"before it was quarantined", []string{"--as-of", fmt.Sprint(len(v.events))}, of(t, unaware)},
			{"when it was quarantined", []string{"--as-of", fmt.Sprint(len(all))}, of(t, neverHad)},
			{"before the flood, by number", []string{"--as-of", fmt.Sprint(early)}, of(t, endsEarly)},
			{"before the flood, by moment", []string{"--as-of", stamped(from)}, of(t, endsEarly)},
			{"until the flood", []string{"--until", stamped(from)}, of(t, endsEarly)},
			{"of a client", []string{"--client", "site"}, of(t, neverHad)},
			{"before the first event", []string{"--as-of", "0"}, ""},
			{"of no such client", []string{"--client", "nobody"}, ""},
			{"of no such collection", []string{"--collection", "maps"}, ""},
			{"of no such keyword", []string{"--keyword", "house"}, ""},
		} {
			if got := of(t, p, tt.flags...); got != tt.want {
				t.Errorf("%s: it differs:\n%.500s\nwant\n%.500s", tt.name, got, tt.want)
			}
		}
		if rows, _, _ := consensusOf(t, p, "--keyword", "ship", "--collection", votedCollection); len(rows) != votedImages {
			t.Errorf("of a keyword there are %d rows", len(rows))
		}
		testOthersOfThePast(t, p, v, early)
	})
}

// testOthersOfThePast asks the other commands for the past.
func testOthersOfThePast(t *testing.T, p place.Flags, v *voted, early int) {
	t.Helper()
	lines := func(args ...string) int {
		return strings.Count(programtest.Succeed(t, append(args, placetest.FlagsOf(p)...)...), "\n")
	}
	number := fmt.Sprint(early)
	if n := lines("events", "--as-of", number); n != early {
		t.Errorf("%d events, want %d", n, early)
	}
	stored := v.events[early-1].Head().At.Add(3 * time.Millisecond) // see history.add
	for at, want := range map[time.Time]int{stored: early, stored.Add(-time.Microsecond): early - 1, stored.Add(10 * time.Minute): early} {
		if n := lines("events", "--as-of", at.Format(time.RFC3339Nano)); n != want {
			t.Errorf("%d events at %v, want %d", n, at, want)
		}
	}
	moment := v.events[early-1].Head().At.Add(time.Second).Format(time.RFC3339Nano)
	if n := lines("events", "--until", moment); n != early {
		t.Errorf("%d events until then, want %d", n, early)
	}
	if n := lines("replay", "votes", "--as-of", number); n != 3*60 {
		t.Errorf("%d votes, want those of 60 challenges of each type", n)
	}
	if n := lines("replay", "votes", "--as-of", fmt.Sprint(len(v.events))); n != 3*180 {
		t.Errorf("%d votes before anything was quarantined", n)
	}
	programtest.Succeed(t, slices.Concat([]string{"replay", "rebuild"}, placetest.FlagsOf(p))...) // the snapshot knows all of it
	programtest.Says(t, programtest.Succeed(t, slices.Concat([]string{"stats", "clients", "--as-of", number, "--csv"}, placetest.FlagsOf(p))...), `(?m)^site,all,120,120,`)
	if out := programtest.Succeed(t, slices.Concat([]string{"stats", "clients", "--csv"}, placetest.FlagsOf(p))...); !strings.Contains(out, "other,all,120,") || !strings.Contains(out, "site,all,240,") {
		t.Errorf("now there is %s", out)
	}
	if out := programtest.Succeed(t, slices.Concat([]string{"stats", "images", "--as-of", number, "--image", "known-text", "--csv"}, placetest.FlagsOf(p))...); !strings.Contains(out, "known-text,letters,transcription,60,") {
		t.Errorf("a known image had %s", out)
	}
	id := v.events[0].Head().Challenge.String()
	state := func(asOf string) string {
		return strings.TrimSpace(programtest.Succeed(t, slices.Concat([]string{"replay", "state", id, "--as-of", asOf}, placetest.FlagsOf(p))...))
	}
	if got := state("1"); got != "created" {
		t.Errorf("the first challenge was %s", got)
	}
	if got := state("2"); got != v.events[1].(*domain.ChallengeAnswered).Verdict.String() {
		t.Errorf("answered, the first challenge was %s", got)
	}
	for _, tt := range []struct{ args, want string }{
		{"replay state " + v.events[early].Head().Challenge.String() + " --as-of 3", "as event " + fmt.Sprint(early+1)},
		{"replay state 00000000-0000-4000-8000-000000000000", "there is no challenge"},
		{"replay state nonsense", "not a UUID"},
		{"events --as-of 100000", "goes up to event"},
		{"events --as-of yesterday", "nor the number of an event"},
		{"events --follow --as-of 3", "--follow"},
		{"replay votes --as-of=-1h", "yet to come"},
		{"replay consensus --method dawid-skene", "anonymous"},
		{"replay consensus --method best", "--method"},
		{"replay consensus --out votes.xlsx", "--format does"},
		{"replay consensus --exclude-pattern der", "--exclude-pattern"},
		{"replay consensus --out /nowhere/at/all.csv", "/nowhere/at/all.csv"},
	} {
		programtest.Refuse(t, append(strings.Fields(tt.args), placetest.FlagsOf(p)...), tt.want)
	}
}
