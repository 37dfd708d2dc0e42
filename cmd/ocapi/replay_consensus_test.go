package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"

	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/replay"
)

// voted is a log with votes whose sum is known: the unknown texts are words, the
// unknown pictures ships where their number is even; one visitor in five is
// careless.
type voted struct {
	images int // of each type
	events []domain.Event
	random *rand.Rand
	now    time.Time
}

const (
	votedCollection = "letters"
	votedImages     = 12
)

func newVoted() *voted {
	return &voted{images: votedImages, random: rand.New(rand.NewPCG(1, 2)), now: domain.Moment(time.Now().Add(-48 * time.Hour))}
}

func (v *voted) head(client domain.ClientID, challenge domain.ChallengeID) domain.Header {
	v.now = v.now.Add(time.Second)
	id := uuid.Must(uuid.NewV7())
	return domain.Header{ID: domain.EventID{UUID: domain.UUID(id)}, Challenge: challenge, Client: client, At: v.now}
}

// challenge adds a challenge of each type, with its answers. What the flood says
// of unknown images, where it is not empty, is the same everywhere.
func (v *voted) challenge(client domain.ClientID, flood string) {
	careless := v.random.IntN(5) == 0
	id := domain.ChallengeID{UUID: domain.UUID(uuid.New())}
	n := v.random.IntN(v.images)
	texts := &domain.ChallengeCreated{
		Header: v.head(client, id), Type: domain.TypeTranscription, ExpiresAt: v.now.Add(domain.Lifetime),
		Positions: []domain.Position{
			{Image: "known-text", Collection: votedCollection, Role: domain.RoleKnown, Trust: domain.TrustImported, Expected: domain.Truth{Kind: domain.TruthText, Text: "maison"}},
			{Image: domain.ImageID(fmt.Sprintf("text-%02d", n)), Collection: votedCollection, Role: domain.RoleUnknown},
		},
	}
	said := []string{"maison", word(n)}
	if careless {
		said = []string{"mais", word(v.random.IntN(v.images))}
	}
	if flood != "" {
		said = []string{"maison", flood}
	}
	v.events = append(v.events, texts)
	v.events = append(v.events, &domain.ChallengeAnswered{
		Header: v.head(client, id), Verdict: domain.Judge(texts, domain.Answer{Texts: said}), Answer: domain.Answer{Texts: said},
	})

	id = domain.ChallengeID{UUID: domain.UUID(uuid.New())}
	pictures := &domain.ChallengeCreated{Header: v.head(client, id), Type: domain.TypeClassification, Keyword: "ship", ExpiresAt: v.now.Add(domain.Lifetime)}
	answer := domain.Answer{Selected: []uint32{}}
	for i := range 9 {
		p := domain.Position{Image: domain.ImageID(fmt.Sprintf("known-%d", i)), Collection: votedCollection, Role: domain.RoleKnown, Trust: domain.TrustImported, Expected: domain.Truth{Kind: domain.TruthMatch, Match: i < 3}}
		shows := i < 3
		if i > 6 {
			n := v.random.IntN(v.images)
			p = domain.Position{Image: domain.ImageID(fmt.Sprintf("picture-%02d", n)), Collection: votedCollection, Role: domain.RoleUnknown}
			shows = n%2 == 0
		}
		if shows != (careless && v.random.IntN(2) == 0) {
			answer.Selected = append(answer.Selected, uint32(i))
		}
		pictures.Positions = append(pictures.Positions, p)
	}
	v.events = append(v.events, pictures)
	v.events = append(v.events, &domain.ChallengeAnswered{Header: v.head(client, id), Verdict: domain.Judge(pictures, answer), Answer: answer})
}

// archive writes events into an archive, in the order in which they are.
func (v *voted) archive(t testing.TB, s *stores, events []domain.Event) {
	t.Helper()
	h := newHistory(t, s.archive, v.now)
	for _, e := range events {
		h.now = e.Head().At
		h.add(e)
	}
	h.flush()
}

// consensusOf runs "replay consensus" and gives what it writes and says.
func consensusOf(t testing.TB, p place, flags ...string) (rows []consensusRow, text, says string) {
	t.Helper()
	got := command(t, slices.Concat([]string{"replay", "consensus", "--format", "jsonl"}, p.flags(), flags)...)
	if got.code != 0 {
		t.Fatalf("%v: %s", flags, got.err)
	}
	for line := range strings.Lines(got.out) {
		var row consensusRow
		if err := decode([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows, got.out, got.err
}

// TestReplayConsensus counts votes of both kinds of archive: what they add up to
// is known, and the two give the same bytes.
func TestReplayConsensus(t *testing.T) {
	v := newVoted()
	for range 150 {
		v.challenge("site", "")
	}
	outputs := make(chan string, 2)
	t.Cleanup(func() {
		close(outputs) // one that failed has sent nothing
		if a, b := <-outputs, <-outputs; a != b {
			t.Error("the two archives give other bytes")
		}
	})
	eachPlace(t, func(t *testing.T, s *stores, p place) {
		v.archive(t, s, v.events)
		origin := corpus.Provenance{Institution: "An archive", ShelfMark: "A 1", Page: "7", Licence: "CC0", Source: "https://example.org/1"}
		if err := s.corpus.PutCollection(t.Context(), corpus.Collection{ID: votedCollection, Title: "Letters", Credit: "The archive of letters"}); err != nil {
			t.Fatal(err)
		}
		from := (&fixture{reader: newReader()}).image(corpus.Entry{Image: domain.Image{Type: domain.TypeTranscription}, Provenance: origin}, truth{})
		from.ID, from.Collection = "text-00", votedCollection
		if _, err := s.corpus.AddImages(t.Context(), []corpus.NewImage{from}); err != nil {
			t.Fatal(err)
		}
		rows, text, says := consensusOf(t, p)
		outputs <- text
		checkVoted(t, rows, origin)
		if !strings.Contains(says, "600 events read in") || !strings.Contains(says, "1,650 votes to 300 challenges") || !strings.Contains(says, "450 counted, 0 left out, 1,200 on images that are known") {
			t.Errorf("it says %s", says)
		}
		if known, _, _ := consensusOf(t, p, "--known"); len(known) != len(rows)+8 || !slices.ContainsFunc(known, func(r consensusRow) bool {
			return r.Image == "known-0" && r.OnRecord == "true" && r.Annotation == "true" && r.Status == "settled"
		}) {
			t.Errorf("with known ones there are %d rows of %d: %+v", len(known), len(rows), known)
		}
		for want, flags := range map[string][]string{
			"No vote fits --collection letter --client nobody": {"--collection", "letter", "--client", "nobody"}, "the figures are those of all votes": {"--exclude-client", "nobody"},
		} {
			if _, _, says := consensusOf(t, p, flags...); !strings.Contains(says, want) {
				t.Errorf("%v: it says %s", flags, says)
			}
		}
		checkFormats(t, p, rows)
	})
}

// TestReplayStatusOfKnown has an image whose truth is on record need no votes that
// could not be had: it stands, is as good as settled, or is refuted.
func TestReplayStatusOfKnown(t *testing.T) {
	t.Parallel()
	text := func(s string) domain.Truth { return domain.Truth{Kind: domain.TruthText, Text: s} }
	b := believer{model: consensus.Builtin(), method: consensus.MethodBayes, rules: consensus.DefaultRules()}
	it := &replay.Item{Type: domain.TypeTranscription, Truth: text("août")}
	for _, tt := range []struct {
		name   string
		belief consensus.Belief
		known  bool
		want   domain.QuestionStatus
	}{
		{"agreed on", consensus.Belief{Truth: text("Août"), Probability: 0.9999, Votes: 10}, true, domain.QuestionSettled},
		{"agreed on once", consensus.Belief{Truth: text("Août"), Probability: 0.9999, Votes: 1}, true, domain.QuestionOpen},
		{"doubtful after many votes", consensus.Belief{Truth: text("août"), Probability: 0.9, Votes: 10}, true, domain.QuestionOpen},
		{"contradicted", consensus.Belief{Truth: text("coût"), Probability: 0.99, RunnerUp: text("août"), RunnerUpProbability: 0.01, Votes: 10}, true, domain.QuestionRefuted},
		{"not on record", consensus.Belief{Truth: text("août"), Probability: 0.9999, Votes: 10}, false, domain.QuestionDisputed},
	} {
		if got := b.status(it, &tt.belief, tt.known); got != tt.want {
			t.Errorf("%s: it is %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestReplayOutputRefused says what is wrong with a file's name before anything
// is read.
func TestReplayOutputRefused(t *testing.T) {
	t.Parallel()
	dir, _ := newData(t)
	folder := t.TempDir()
	refuse(t, []string{"replay", "consensus", "--format=csv", "--data", dir, "--out", folder}, "it is a folder; name a file")
	refuse(t, []string{"replay", "consensus", "--data", dir, "--since", "1h", "--until", "2h"}, "--until: it is not after --since")
	refuse(t, []string{"replay", "consensus", "--data", dir, "--out", filepath.Join(folder, "no", "a.csv")}, "there is no folder")
}

// checkVoted holds rows against what visitors meant.
func checkVoted(t *testing.T, rows []consensusRow, origin corpus.Provenance) {
	t.Helper()
	if len(rows) != 2*votedImages || !slices.IsSortedFunc(rows, func(a, b consensusRow) int { return strings.Compare(a.Image+a.Keyword, b.Image+b.Keyword) }) {
		t.Fatalf("%d rows, or not in order", len(rows))
	}
	settled := 0
	for _, r := range rows {
		var n int
		want := ""
		if _, err := fmt.Sscanf(r.Image, "text-%d", &n); err == nil {
			want = word(n)
		} else if _, err := fmt.Sscanf(r.Image, "picture-%d", &n); err == nil {
			want = fmt.Sprint(n%2 == 0)
		}
		if r.Annotation != want || r.Collection != votedCollection || r.Method != "bayes" || r.Model != "0" || r.Votes == 0 || r.Perfect == 0 || r.First.IsZero() || r.Last.Before(r.First) {
			t.Errorf("a row is %+v, want %s", r, want)
		}
		if r.Image == "text-00" && (r.Credit != origin.Institution || r.ShelfMark != origin.ShelfMark || r.Page != origin.Page || r.Licence != origin.Licence || r.Source != origin.Source) {
			t.Errorf("a row does not say where its image comes from: %+v", r)
		}
		if r.Image != "text-00" && r.Credit != "The archive of letters" {
			t.Errorf("a row has the credit %q", r.Credit)
		}
		if r.Status == "settled" {
			settled++
		}
	}
	if settled < votedImages/2 {
		t.Errorf("only %d are settled", settled)
	}
}

// checkFormats reads every format back and writes each twice.
func checkFormats(t *testing.T, p place, want []consensusRow) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string {
		path := filepath.Join(dir, name)
		out := succeed(t, slices.Concat([]string{"replay", "consensus", "--out", path}, p.flags())...)
		says(t, out, fmt.Sprintf("^%d rows written to", len(want)), "events read in")
		return path
	}
	for _, format := range []string{"csv", "jsonl", "parquet"} {
		a, errA := os.ReadFile(file("a." + format))
		b, errB := os.ReadFile(file("b." + format))
		if errA != nil || errB != nil || !bytes.Equal(a, b) || len(a) == 0 {
			t.Errorf("%s: two runs give other bytes, or none: %v, %v", format, errA, errB)
		}
	}
	f, err := os.Open(filepath.Join(dir, "a.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was read
	list, err := csv.NewReader(f).ReadAll()
	if err != nil || len(list) != len(want)+1 || !slices.Equal(list[0], consensusColumns) {
		t.Fatalf("the CSV has %d lines: %v", len(list), err)
	}
	for i := range want {
		if fields := new(csvRow).of(&want[i]); !slices.Equal(list[i+1], fields) {
			t.Errorf("row %d of the CSV is %q, want %q", i, list[i+1], fields)
		}
	}
	got, err := parquet.ReadFile[consensusRow](filepath.Join(dir, "a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the Parquet file differs (-JSON Lines +Parquet):\n%.3000s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".ocapi-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestConsensusColumns holds the columns of the formats against each other.
func TestConsensusColumns(t *testing.T) {
	t.Parallel()
	kind := reflect.TypeFor[consensusRow]()
	var names []string
	for i := range kind.NumField() {
		tag := kind.Field(i).Tag
		name, _, _ := strings.Cut(tag.Get("json"), ",")
		if other, _, _ := strings.Cut(tag.Get("parquet"), ","); other != name {
			t.Errorf("a column is called %s and %s", name, other)
		}
		names = append(names, name)
	}
	if !slices.Equal(names, consensusColumns) || len(new(csvRow).of(&consensusRow{})) != len(names) {
		t.Errorf("the columns are %v, and %v", names, consensusColumns)
	}
}

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

	archived := func(t *testing.T, events []domain.Event) place {
		p := place{Data: filepath.Join(t.TempDir(), "data")}
		s, err := openFolder(t.Context(), p.Data)
		if err != nil {
			t.Fatal(err)
		}
		v.archive(t, s, events)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	of := func(t *testing.T, p place, flags ...string) string {
		_, text, _ := consensusOf(t, p, flags...)
		return text
	}
	neverHad, endsEarly, unaware := archived(t, clean), archived(t, v.events[:early]), archived(t, v.events)
	stamped := func(at time.Time) string { return at.Format(time.RFC3339Nano) }
	eachPlace(t, func(t *testing.T, s *stores, p place) {
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
func testOthersOfThePast(t *testing.T, p place, v *voted, early int) {
	t.Helper()
	lines := func(args ...string) int {
		return strings.Count(succeed(t, append(args, p.flags()...)...), "\n")
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
	succeed(t, slices.Concat([]string{"replay", "rebuild"}, p.flags())...) // the snapshot knows all of it
	says(t, succeed(t, slices.Concat([]string{"stats", "clients", "--as-of", number, "--csv"}, p.flags())...), `(?m)^site,all,120,120,`)
	if out := succeed(t, slices.Concat([]string{"stats", "clients", "--csv"}, p.flags())...); !strings.Contains(out, "other,all,120,") || !strings.Contains(out, "site,all,240,") {
		t.Errorf("now there is %s", out)
	}
	if out := succeed(t, slices.Concat([]string{"stats", "images", "--as-of", number, "--image", "known-text", "--csv"}, p.flags())...); !strings.Contains(out, "known-text,letters,transcription,60,") {
		t.Errorf("a known image had %s", out)
	}
	id := v.events[0].Head().Challenge.String()
	state := func(asOf string) string {
		return strings.TrimSpace(succeed(t, slices.Concat([]string{"replay", "state", id, "--as-of", asOf}, p.flags())...))
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
		refuse(t, append(strings.Fields(tt.args), p.flags()...), tt.want)
	}
}

// TestReplayConsensusByModel takes the model that was in force, and one that is
// fitted to the votes.
func TestReplayConsensusByModel(t *testing.T) {
	v := newVoted()
	v.images = 100 // of which each has few votes: the models differ
	for range 400 {
		v.challenge("site", "")
	}
	var gold consensus.GoldCounts
	gold.Add(consensus.Gold{Matches: 3, Hits: 2, NonMatches: 4, FalseAlarms: 1}, "ship", 500)
	model := consensus.Model{Version: 3, Labels: consensus.FitLabels(&gold), Texts: consensus.Builtin().Texts}
	before := len(v.events)
	v.events = append(v.events, &domain.ModelFitted{Header: v.head("", domain.ChallengeID(domain.ModelID)), Version: model.Version, Body: model.Encode()})
	eachPlace(t, func(t *testing.T, s *stores, p place) {
		v.archive(t, s, v.events)
		seen := map[string]string{}
		for _, tt := range []struct {
			model string
			flags []string
		}{
			{"3", nil},
			{"3", []string{"--model", "recorded", "--client", "site", "--since", "100h"}},
			{"0", []string{"--as-of", fmt.Sprint(before)}},
			{"0", []string{"--model", "builtin"}},
			{"fit", []string{"--model", "fit"}},
		} {
			rows, text, _ := consensusOf(t, p, tt.flags...)
			if len(rows) < v.images || rows[0].Model != tt.model {
				t.Errorf("%v: %d rows by the model %s", tt.flags, len(rows), rows[0].Model)
			}
			if other, ok := seen[tt.model]; ok && other != text {
				t.Errorf("%v: the same model says something else", tt.flags)
			}
			seen[tt.model] = text
		}
		strip := func(s, model string) string { return strings.ReplaceAll(s, `"model":"`+model+`"`, "") }
		if strip(seen["3"], "3") == strip(seen["0"], "0") || strip(seen["fit"], "fit") == strip(seen["0"], "0") {
			t.Error("the models say the same")
		}
		for _, method := range []string{"majority", "two-and-a-half"} {
			rows, _, _ := consensusOf(t, p, "--method", method)
			right, wrong := 0, 0
			for _, r := range rows {
				var n int
				if _, err := fmt.Sscanf(r.Image, "text-%d", &n); err != nil {
					continue
				}
				if right++; r.Annotation != word(n) || r.Method != method {
					right, wrong = right-1, wrong+1
				}
			}
			if right < 9*wrong {
				t.Errorf("%s: %d texts are right and %d are not", method, right, wrong)
			}
		}
	})
}

// TestReplayConsensusReadsAnArchiveAlone reads an archive that was copied without
// the collections, and one whose last event is damaged: then no file is left.
func TestReplayConsensusReadsAnArchiveAlone(t *testing.T) {
	t.Parallel()
	v := newVoted()
	v.challenge("site", "")
	p := place{Data: filepath.Join(t.TempDir(), "data")}
	s, err := openFolder(t.Context(), p.Data)
	if err != nil {
		t.Fatal(err)
	}
	v.archive(t, s, v.events)
	if err := os.Remove(filepath.Join(p.Data, collectionsFile)); err != nil {
		t.Fatal(err)
	}
	rows, _, says := consensusOf(t, p)
	if len(rows) == 0 || !strings.Contains(says, collectionsFile+" is missing") {
		t.Errorf("%d rows; it says %s", len(rows), says)
	}
	h := newHistory(t, s.archive, v.now)
	last := v.events[0].Head()
	last.ID = domain.EventID{UUID: domain.UUID(uuid.Must(uuid.NewV7()))}
	h.batch = []eventstore.Record{{Seq: h.at.Seq + 1, Incarnation: 5, StoredAt: v.now, Event: &domain.ChallengeAnswered{Header: last}, Data: []byte("damaged")}}
	h.flush()
	file := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(file, []byte("of before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := command(t, append([]string{"replay", "consensus", "--out", file}, p.flags()...)...); got.code != 1 || !strings.Contains(got.err, "event 5: malformed") {
		t.Errorf("a damaged event gives %+v", got)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if b, _ := os.ReadFile(file); err != nil || len(entries) != 1 || string(b) != "of before" {
		t.Errorf("the file is %q, beside %d others", b, len(entries)-1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
