package replay_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/cmd/ocapi/replay"
	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/place/placetest"
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
	said := []string{"maison", programtest.Word(n)}
	if careless {
		said = []string{"mais", programtest.Word(v.random.IntN(v.images))}
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
func (v *voted) archive(t testing.TB, s *place.Stores, events []domain.Event) {
	t.Helper()
	h := placetest.NewHistory(t, s.Archive, v.now)
	for _, e := range events {
		h.Now = e.Head().At
		h.Add(e)
	}
	h.Flush()
}

// consensusOf runs "replay consensus" and gives what it writes and says.
func consensusOf(t testing.TB, p place.Flags, flags ...string) (rows []replay.ConsensusRow, text, says string) {
	t.Helper()
	got := programtest.Command(t, slices.Concat([]string{"replay", "consensus", "--format", "jsonl"}, placetest.FlagsOf(p), flags)...)
	if got.Code != 0 {
		t.Fatalf("%v: %s", flags, got.Err)
	}
	for line := range strings.Lines(got.Out) {
		var row replay.ConsensusRow
		if err := programtest.Decode([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows, got.Out, got.Err
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
	placetest.EachPlace(t, func(t *testing.T, s *place.Stores, p place.Flags) {
		v.archive(t, s, v.events)
		origin := corpus.Provenance{Institution: "An archive", ShelfMark: "A 1", Page: "7", Licence: "CC0", Source: "https://example.org/1"}
		if err := s.Corpus.PutCollection(t.Context(), corpus.Collection{ID: votedCollection, Title: "Letters", Credit: "The archive of letters"}); err != nil {
			t.Fatal(err)
		}
		from := (&programtest.Fixture{Reader: programtest.NewReader()}).Image(corpus.Entry{Image: domain.Image{Type: domain.TypeTranscription}, Provenance: origin}, programtest.Truth{})
		from.ID, from.Collection = "text-00", votedCollection
		if _, err := s.Corpus.AddImages(t.Context(), []corpus.NewImage{from}); err != nil {
			t.Fatal(err)
		}
		rows, text, says := consensusOf(t, p)
		outputs <- text
		checkVoted(t, rows, origin)
		if !strings.Contains(says, "600 events read in") || !strings.Contains(says, "1,650 votes to 300 challenges") || !strings.Contains(says, "450 counted, 0 left out, 1,200 on images that are known") {
			t.Errorf("it says %s", says)
		}
		if known, _, _ := consensusOf(t, p, "--known"); len(known) != len(rows)+8 || !slices.ContainsFunc(known, func(r replay.ConsensusRow) bool {
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

// TestReplayOutputRefused says what is wrong with a file's name before anything
// is read.
func TestReplayOutputRefused(t *testing.T) {
	t.Parallel()
	dir, _ := programtest.NewData(t)
	folder := t.TempDir()
	programtest.Refuse(t, []string{"replay", "consensus", "--format=csv", "--data", dir, "--out", folder}, "it is a folder; name a file")
	programtest.Refuse(t, []string{"replay", "consensus", "--data", dir, "--since", "1h", "--until", "2h"}, "--until: it is not after --since")
	programtest.Refuse(t, []string{"replay", "consensus", "--data", dir, "--out", filepath.Join(folder, "no", "a.csv")}, "there is no folder")
}

// checkVoted holds rows against what visitors meant.
func checkVoted(t *testing.T, rows []replay.ConsensusRow, origin corpus.Provenance) {
	t.Helper()
	if len(rows) != 2*votedImages || !slices.IsSortedFunc(rows, func(a, b replay.ConsensusRow) int { return strings.Compare(a.Image+a.Keyword, b.Image+b.Keyword) }) {
		t.Fatalf("%d rows, or not in order", len(rows))
	}
	settled := 0
	for _, r := range rows {
		var n int
		want := ""
		if _, err := fmt.Sscanf(r.Image, "text-%d", &n); err == nil {
			want = programtest.Word(n)
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
func checkFormats(t *testing.T, p place.Flags, want []replay.ConsensusRow) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string {
		path := filepath.Join(dir, name)
		out := programtest.Succeed(t, slices.Concat([]string{"replay", "consensus", "--out", path}, placetest.FlagsOf(p))...)
		programtest.Says(t, out, fmt.Sprintf("^%d rows written to", len(want)), "events read in")
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
	if err != nil || len(list) != len(want)+1 || !slices.Equal(list[0], replay.ConsensusColumns) {
		t.Fatalf("the CSV has %d lines: %v", len(list), err)
	}
	for i := range want {
		if !slices.Equal(list[i+1], want[i].Fields()) {
			t.Errorf("row %d of the CSV is %q, want %q", i, list[i+1], want[i].Fields())
		}
	}
	got, err := parquet.ReadFile[replay.ConsensusRow](filepath.Join(dir, "a.parquet"))
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
	placetest.EachPlace(t, func(t *testing.T, s *place.Stores, p place.Flags) {
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
				if right++; r.Annotation != programtest.Word(n) || r.Method != method {
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
	p := place.Flags{Data: filepath.Join(t.TempDir(), "data")}
	s, err := place.OpenFolder(t.Context(), p.Data)
	if err != nil {
		t.Fatal(err)
	}
	v.archive(t, s, v.events)
	if err := os.Remove(filepath.Join(p.Data, place.CollectionsFile)); err != nil {
		t.Fatal(err)
	}
	rows, _, says := consensusOf(t, p)
	if len(rows) == 0 || !strings.Contains(says, place.CollectionsFile+" is missing") {
		t.Errorf("%d rows; it says %s", len(rows), says)
	}
	h := placetest.NewHistory(t, s.Archive, v.now)
	last := v.events[0].Head()
	last.ID = domain.EventID{UUID: domain.UUID(uuid.Must(uuid.NewV7()))}
	h.Batch = []eventstore.Record{{Seq: h.At.Seq + 1, Incarnation: 5, StoredAt: v.now, Event: &domain.ChallengeAnswered{Header: last}, Data: []byte("damaged")}}
	h.Flush()
	file := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(file, []byte("of before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := programtest.Command(t, append([]string{"replay", "consensus", "--out", file}, placetest.FlagsOf(p)...)...); got.Code != 1 || !strings.Contains(got.Err, "event 5: malformed") {
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
