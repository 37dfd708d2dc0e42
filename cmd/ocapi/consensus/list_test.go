package consensus_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/consensus"
	"ocapi/cmd/ocapi/programtest"
	"ocapi/command"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/place"
)

// placed opens what the flags name, with the collections migrated.
func placed(t *testing.T, at []string) place.Flags {
	t.Helper()
	if at[0] == "--data" {
		return place.Flags{Data: at[1]}
	}
	return place.Flags{DatabaseURL: at[1]}
}

// decide puts annotations where the flags say.
func decide(t *testing.T, at []string, list ...corpus.Annotation) {
	t.Helper()
	env := &command.Environment{Context: t.Context()}
	err := command.WithExisting(env, placed(t, at), func(s *place.Stores) error {
		return s.Corpus.PutAnnotations(t.Context(), corpus.AnnotationsMark{Incarnation: 1, Seq: 99}, list)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func decided(image, keyword string, status domain.QuestionStatus, truth domain.Truth) corpus.Annotation {
	return corpus.Annotation{
		Finding: domain.Finding{
			Image: domain.ImageID(image), Collection: programtest.FixtureCollection, Keyword: keyword, Truth: truth, Probability: 0.9912, Votes: 5, Model: 3, Through: 80,
		},
		Status: status, Seq: 81, Event: domain.EventID{UUID: domain.UUID{1}}, DecidedAt: time.Date(2026, 4, 5, 6, 7, 8, 0, time.UTC),
	}
}

func TestConsensusList(t *testing.T) { programtest.OnEveryPlace(t, testConsensusList) }

func testConsensusList(t *testing.T, at []string) {
	list := func(args ...string) string {
		t.Helper()
		return programtest.Succeed(t, slices.Concat([]string{"consensus", "list"}, args, at)...)
	}
	programtest.Says(t, list(), `decided nothing yet`)
	programtest.Says(t, list("--status", "refuted"), `nothing of the kind`)
	if out := list("--json"); out != "" {
		t.Errorf("nothing as JSON is %q", out)
	}
	text := func(s string) domain.Truth { return domain.Truth{Kind: domain.TruthText, Text: s} }
	shows := domain.Truth{Kind: domain.TruthMatch, Match: true}
	late := decided("b", "", domain.QuestionSettled, text("später, \"hier\""))
	late.DecidedAt, late.Tried, late.Merged = late.DecidedAt.Add(time.Hour), 31, true
	elsewhere := decided("z", "", domain.QuestionSettled, text("elsewhere"))
	elsewhere.Collection = "other"
	decide(t, at, late, elsewhere,
		decided("a", "", domain.QuestionDisputed, text("hier")), decided("c", "ship", domain.QuestionSettled, shows),
		decided("c", "house", domain.QuestionUnreadable, domain.Truth{}), decided("d", "", domain.QuestionOpen, text("offen")),
	)

	out := list()
	programtest.Says(t, out, `(?m)^b +drawn +- +settled +"später, .*31`, `(?m)^c +drawn +ship +settled +shows it`, `(?m)^c +drawn +house +unreadable +-`, `(?m)^a +drawn +- +disputed`, `(?m)^z +other`)
	if strings.Contains(out, "offen") {
		t.Errorf("what is open again is listed:\n%s", out)
	}
	if lines := strings.Split(out, "\n"); !strings.HasPrefix(lines[1], "b ") {
		t.Errorf("what was decided last does not come first:\n%s", out)
	}
	programtest.Says(t, list("--limit", "2"), `and 3 more`)
	programtest.Says(t, list("--status", "open"), `offen`)

	var lines []consensus.AnnotationLine
	decoder := json.NewDecoder(strings.NewReader(list("--json", "--collection", programtest.FixtureCollection)))
	for decoder.More() {
		var l consensus.AnnotationLine
		if err := decoder.Decode(&l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	if len(lines) != 4 || lines[1].Text != late.Truth.Text || lines[1].Tried != 31 || !lines[1].Merged || lines[2].Keyword != "house" ||
		lines[3].Shown == nil || !*lines[3].Shown || lines[3].DecidedAt != "2026-04-05T06:07:08Z" || lines[3].Event != late.Event {
		t.Errorf("as JSON: %+v", lines)
	}
	rows, err := csv.NewReader(strings.NewReader(list("--csv", "--status", "settled", "--limit", "2"))).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][0] != "image_id" || len(rows[0]) != len(rows[1]) || rows[1][4] != late.Truth.Text || rows[2][5] != "true" {
		t.Errorf("as CSV: %q, %v", rows, err)
	}

	programtest.Refuse(t, append([]string{"consensus", "list", "--collection", "nowhere"}, at...), `no collection "nowhere"`)
	programtest.Refuse(t, append([]string{"consensus", "list", "--limit", "-2"}, at...), "--limit")
	programtest.Refuse(t, append([]string{"consensus", "list", "--status", "done"}, at...), `--status: "done" is no status; it is one of settled, disputed`)
}

func TestConsensusShow(t *testing.T) { programtest.OnEveryPlace(t, testConsensusShow) }

func testConsensusShow(t *testing.T, at []string) {
	show := func(image string) string {
		t.Helper()
		return programtest.Succeed(t, append([]string{"consensus", "show", image}, at...)...)
	}
	// The fixture's images are named by the number of pictures before them: known and
	// unknown texts in turn, then pictures, of which the second is the first that is
	// unknown.
	image := func(n int) string { return fmt.Sprintf("image-%04d", programtest.FixtureRenderings*n) }
	text := func(s string) domain.Truth { return domain.Truth{Kind: domain.TruthText, Text: s} }
	programtest.Says(t, show(image(0)), `on record: ".+" \(imported\)`, `dealt as: +known: ".+" \(imported\)`, `decided nothing about it`)
	programtest.Says(t, show(image(5)), `on record: nothing`, `dealt as: +unknown: people are asked`)
	proven := decided(image(9), "", domain.QuestionSettled, text("bestimmt"))
	proven.Tried, proven.Merged = 30, true
	decide(t, at,
		decided(image(2), "", domain.QuestionRefuted, text("anders")), decided(image(7), "", domain.QuestionSettled, text("vielleicht")), proven,
		decided(image(11), "", domain.QuestionUnreadable, domain.Truth{}), decided("gone", "", domain.QuestionSettled, text("fort")),
		decided(image(121), "ship", domain.QuestionSettled, domain.Truth{Kind: domain.TruthMatch}),
	)
	programtest.Says(t, show(image(2)), `on record: ".+" \(imported\)`, `dealt as: +unknown: people are asked`, `Votes on its text: refuted`, `likeliest: +"anders"`, `0\.9912, by 5 votes, with the model 3`)
	programtest.Says(t, show(image(7)), `dealt as: +unknown, though it is settled: "vielleicht"; it is tried until 30`, `tried: +0 answers since`)
	programtest.Says(t, show(image(9)), `dealt as: +known: "bestimmt" \(promoted\)`, `nobody typed`, `2026-04-05 06:07 UTC, event 81`)
	programtest.Says(t, show(image(11)), `dealt as: +nothing: people are not asked`, `Votes on its text: unreadable`)
	programtest.Says(t, show(image(121)), `ship: +unknown, though it is settled: does not`, `any other: +unknown: people are asked`, `Votes on whether it shows "ship": settled`)
	programtest.Says(t, show("gone"), `which is not there any more`, `"fort"`)
	programtest.Refuse(t, append([]string{"consensus", "show", "nowhere"}, at...), `no image "nowhere"`)
	for _, command := range []string{"check", "show"} {
		args := append([]string{"corpus", command, programtest.FixtureCollection}, at...)
		if command == "show" {
			args = append(args, "--no-sheet")
		}
		programtest.Says(t, programtest.Succeed(t, args...), `3 settled \(1 of them tried by 30 answers or more, and so dealt as known\), 0 disputed, 1 unreadable, 1 on record refuted`)
	}
	programtest.Says(t, programtest.Succeed(t, append([]string{"corpus", "check", programtest.FixtureCollection}, at...)...), `known: +60 texts, in 60 different forms`, `unknown: 59 texts`)
	programtest.Says(t, programtest.Succeed(t, append([]string{"corpus", "list"}, at...)...), `drawn +Drawings +156 +60/60 +24/12 +3 `)
}
