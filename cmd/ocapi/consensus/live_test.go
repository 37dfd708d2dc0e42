package consensus_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/place/placetest"
)

// decision is an event about an annotation, as "ocapi events" prints it.
type decision struct {
	Seq    uint64
	Type   string
	Ann    string          `json:"annotation_id"`
	Client json.RawMessage `json:"client_id"`
	Data   struct {
		Image       string  `json:"image_id"`
		Keyword     string  `json:"keyword"`
		Truth       any     `json:"truth"`
		Probability float64 `json:"probability"`
		Votes       int     `json:"votes"`
		Through     uint64  `json:"through"`
		Refuted     bool    `json:"refuted"`
		Reason      string  `json:"reason"`
	} `json:"data"`
}

// decisions gives the decisions that are archived.
func decisions(t testing.TB, out string) (list []decision) {
	t.Helper()
	for line := range strings.Lines(out) {
		var d decision
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		if d.Ann != "" {
			list = append(list, d)
		}
	}
	return list
}

func decisionsIn(t testing.TB, dir string) []decision {
	t.Helper()
	return decisions(t, programtest.Succeed(t, "events", "--data", dir))
}

// annotationsIn reads the rows of decisions of the collections.
func annotationsIn(t testing.TB, dir string) map[domain.ImageID]corpus.Annotation {
	t.Helper()
	rows := map[domain.ImageID]corpus.Annotation{}
	s, err := place.OpenForReading(t.Context(), place.Flags{Data: dir}, place.CollectionsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it was only read
	if err := s.Corpus.Annotations(t.Context(), "", func(a corpus.Annotation) error {
		if a.Keyword == "" {
			rows[a.Image] = a
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

// needsIn gives how many votes images need, as the collections have it.
func needsIn(t testing.TB, dir string) map[domain.ImageID]uint8 {
	t.Helper()
	s, err := place.OpenForReading(t.Context(), place.Flags{Data: dir}, place.CollectionsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it was only read
	images, err := s.Corpus.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	needs := map[domain.ImageID]uint8{}
	for i := range images {
		im := &images[i]
		if settled := len(im.Decided) > 0; im.Need > 0 && !settled { // else it is how many answers it is to be tried with
			needs[im.ID] = im.Need
		}
	}
	return needs
}

// TestAnswersBecomeAnnotations lets people answer a running service until the
// votes settle texts: that is in the archive, the collection has it, and it is
// right. It goes on after a restart, a person's word stands, and a rebuild gives
// what was there.
func TestAnswersBecomeAnnotations(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	flags := []string{"--wholly-known=0.2", "--sentinels=0", "--trim-margin=0s"}
	p := programtest.Start(t, dir, programtest.Options{Flags: flags})
	v := programtest.NewVisitor(t, p, f, programtest.SiteID)
	answer := func(n int) {
		for range n {
			c := v.Ask("transcription")
			v.Answer(c, v.Right(c))
		}
	}
	var found []decision
	for tries := 0; len(found) < 3; tries++ {
		if tries == 20 {
			t.Fatalf("after %d answers %d decisions", 40*tries, len(found))
		}
		answer(40)
		seen := len(found)
		programtest.Fence(v, dir)
		found = decisionsIn(t, dir)
		t.Logf("%d more decisions", len(found)-seen)
	}
	ids := map[string]bool{}
	for _, d := range found {
		if d.Type != "AnnotationAccepted" || d.Data.Truth != bears(d.Data.Image) || d.Data.Votes < 2 || d.Data.Probability < 0.9 ||
			d.Data.Through == 0 || d.Data.Through >= d.Seq || d.Client != nil || ids[d.Ann] || d.Data.Keyword != "" {
			t.Errorf("a decision is %+v; it bears %q", d, bears(d.Data.Image))
		}
		ids[d.Ann] = true
	}
	image := domain.ImageID(found[0].Data.Image)
	placetest.Eventually(t, "the collection to have it", func() bool { return annotationsIn(t, dir)[image].Status == domain.QuestionSettled })
	if row := annotationsIn(t, dir)[image]; row.Truth.Text != found[0].Data.Truth || row.Seq != domain.Sequence(found[0].Seq) || row.Collection != programtest.FixtureCollection {
		t.Errorf("the row is %+v", row)
	}
	metrics := string(programtest.NewVisitor(t, &programtest.Program{Base: p.Admin}, f, programtest.SiteID).Get("/metrics").Body)
	for _, want := range []string{`ocapi_questions{status="settled"} `, `ocapi_questions{status="refuted"} 0`, `ocapi_consensus_decisions_total{decision="accepted"} `, "ocapi_consensus_model 0"} {
		if !strings.Contains(metrics, "\n"+want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}

	// A person knows better.
	fail := func(want string, args ...string) {
		t.Helper()
		programtest.Refuse(t, append([]string{"consensus"}, append(args, "--data", dir)...), want)
	}
	fail("there is no image", "withdraw", "nothing", "--reason=x")
	fail("is for transcription", "withdraw", string(image), "--keyword=cat", "--reason=x")
	fail("reason", "withdraw", string(image), "--reason= ")
	picture := fmt.Sprintf("image-%04d", programtest.FixtureRenderings*2*programtest.FixtureTexts)
	fail(`is asked for "shp"; its keywords are house, ship`, "accept", picture, "--keyword=shp", "--shows", "--reason=x")
	fail("the answer is a text", "accept", string(image), "--shows", "--reason=x")
	fail("and not a text", "accept", picture, "--keyword=ship", "--text=ship", "--reason=x")
	say := func(want domain.QuestionStatus, text string, args ...string) {
		t.Helper()
		programtest.Succeed(t, append([]string{"consensus"}, append(args, "--reason", "a person knows", "--data", dir)...)...)
		placetest.Eventually(t, "the person's word in the collection", func() bool {
			row := annotationsIn(t, dir)[image]
			return row.Status == want && row.Truth.Text == text
		})
	}
	was := found[0].Data.Truth.(string) //nolint:forcetypeassert // as was compared above
	say(domain.QuestionOpen, was, "withdraw", string(image))
	fail("nothing has been accepted", "withdraw", string(image), "--reason=x")
	say(domain.QuestionSettled, was, "restore", string(image))
	say(domain.QuestionSettled, "Person", "accept", string(image), "--text=Person")
	programtest.Says(t, programtest.Succeed(t, "consensus", "show", string(image), "--data", dir), "A person's word on its text: settled", `answer: +"Person"`, `because: +"a person knows"`)
	programtest.Says(t, programtest.Succeed(t, "consensus", "list", "--data", dir), string(image)+` .*"Person" +- +person`)

	p.Stop()
	needs := needsIn(t, dir)
	before := programtest.Succeed(t, "replay", "rebuild", "--data", dir)
	if after := needsIn(t, dir); len(needs) == 0 || !maps.Equal(after, needs) {
		t.Errorf("before a rebuild images needed %v, after it %v", needs, after)
	}
	if !strings.Contains(before, "questions is made anew from") || !strings.Contains(before, "the one of before was the same, byte by byte") ||
		!strings.Contains(before, "those of before were the same") || strings.Contains(before, "was another") {
		t.Errorf("a rebuild says\n%s", before)
	}
	kept := decisionsIn(t, dir)
	p = programtest.Start(t, dir, programtest.Options{Flags: flags})
	v = programtest.NewVisitor(t, p, f, programtest.SiteID)
	if !strings.Contains(p.Log.String(), "the votes are counted") {
		placetest.Eventually(t, "the votes to be counted", func() bool { return strings.Contains(p.Log.String(), "the votes are counted") })
	}
	if strings.Contains(p.Log.String(), "from_snapshot=0") {
		t.Error("it does not begin with the snapshot")
	}
	answer(200)
	programtest.Fence(v, dir)
	placetest.Eventually(t, "more decisions", func() bool { return len(decisionsIn(t, dir)) > len(kept) })
	for _, d := range decisionsIn(t, dir)[len(kept):] {
		if d.Data.Image == string(image) {
			t.Errorf("the votes have overruled a person: %+v", d)
		}
	}

	// Without the votes nothing is left but that; with them all is again as it was.
	settled := func() (list []domain.ImageID) {
		for id, row := range annotationsIn(t, dir) {
			if row.Status == domain.QuestionSettled {
				list = append(list, id)
			}
		}
		slices.Sort(list)
		return list
	}
	var all []domain.ImageID
	placetest.Eventually(t, "all decisions", func() bool { // they come within a second of the last answer
		before := all
		all = settled()
		return len(before) == len(all) && p.Gauge("ocapi_consensus_event") == p.Gauge("ocapi_archive_sequence")
	})
	id, _, _ := strings.Cut(programtest.Succeed(t, "quarantine", "add", "--since=1h", "--reason=a test", "--data", dir), "\n")
	placetest.Eventually(t, "the withdrawals", func() bool { return slices.Equal(settled(), []domain.ImageID{image}) })
	programtest.Succeed(t, "quarantine", "lift", id, "--reason=a test", "--data", dir)
	placetest.Eventually(t, "the annotations again", func() bool { return slices.Equal(settled(), all) })
}

// bears gives what one of the fixture's unknown transcriptions bears.
func bears(image string) string {
	var n int
	if _, err := fmt.Sscanf(image, "image-%d", &n); err != nil || n/programtest.FixtureRenderings%2 == 0 {
		return "nothing that is asked for"
	}
	return programtest.Word(programtest.FixtureTexts + n/programtest.FixtureRenderings/2)
}

// TestDecidingIsTakenOver has one of two nodes decide; when it stops, the other
// goes on where it was, and nothing is decided twice.
func TestDecidingIsTakenOver(t *testing.T) {
	t.Parallel()
	s := programtest.NewShared(t)
	flags := []string{"--wholly-known=0", "--sentinels=0"}
	nodes := []*programtest.Program{s.Node(flags...), s.Node(flags...)}
	made := func() []decision { return decisions(t, programtest.Succeed(t, "events", "--database-url", s.Database)) }
	counted := func(running []*programtest.Program) (last float64) {
		for _, p := range running {
			last = max(last, p.Gauge("ocapi_consensus_event"))
		}
		return last
	}
	// All images come once in a cycle, and so would be settled by one of its
	// answers: few at a time, or the first node would decide everything.
	const batch = 5
	until := func(v *programtest.Visitor, n int, running ...*programtest.Program) {
		t.Helper()
		for tries := 0; len(made()) < n; tries++ {
			if tries == 200 {
				t.Fatalf("after %d answers %d decisions, want %d", batch*tries, len(made()), n)
			}
			before := counted(running)
			for range batch {
				c := v.Ask("transcription")
				v.Answer(c, v.Right(c))
			}
			placetest.Eventually(t, "the answers to be counted", func() bool { return counted(running) >= before+2*batch })
		}
	}
	until(s.At(nodes[0]), 5, nodes...)
	first := 0 // the one that archives
	if nodes[1].Gauge("ocapi_consensus_event") > 0 {
		first = 1
	}
	if code := nodes[first].Stop(); code != 0 {
		t.Fatalf("the first node ended with %d", code)
	}
	before := len(made())
	until(s.At(nodes[1-first]), before+10, nodes[1-first])
	if nodes[1-first].Gauge("ocapi_consensus_event") == 0 {
		t.Error("the second node does not count")
	}
	nodes[1-first].Stop()
	seen := map[string]int{}
	for _, d := range made() {
		if seen[d.Ann]++; d.Type != "AnnotationAccepted" || seen[d.Ann] > 1 || d.Data.Truth != bears(d.Data.Image) {
			t.Errorf("a decision, the %d. about it, is %+v", seen[d.Ann], d)
		}
	}
	out := programtest.Succeed(t, "replay", "rebuild", "--database-url", s.Database)
	if !strings.Contains(out, "those of before were the same") || strings.Contains(out, "was another") {
		t.Errorf("a rebuild says\n%s", out)
	}
}
