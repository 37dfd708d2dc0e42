package corpus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ocapi/corpus"
	"ocapi/domain"
)

// allVotes reads a collection's votes, a few at a time.
func (b *bundle) allVotes(t *testing.T) []corpus.ImportedVote {
	t.Helper()
	var all []corpus.ImportedVote
	var after corpus.VoteKey
	for {
		votes, err := b.store.Votes(t.Context(), "c", after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(votes) == 0 {
			return all
		}
		all = append(all, votes...)
		after = votes[len(votes)-1].Key()
	}
}

func TestVotes(t *testing.T) { onEveryDatabase(t, testVotes) }

func testVotes(t *testing.T, b *bundle) {
	b.addCollection(t)
	at := time.Date(2020, 1, 2, 3, 4, 5, 6000, time.UTC)
	var votes []corpus.ImportedVote
	for i := range 8 {
		votes = append(votes, corpus.ImportedVote{
			Collection: "c", Classification: fmt.Sprint(i / 4), Task: fmt.Sprint("T", i%4/2), N: i % 2,
			Subject: "7", File: "a.jpg", Question: "What?", Value: fmt.Sprint("é", i), Workflow: "w", Version: "1.2", DecidedAt: at,
		})
	}
	revision := b.revision(t)
	for _, want := range []int{8, 0} {
		if n, err := b.store.MissingVotes(t.Context(), votes); err != nil || n != want {
			t.Errorf("%d are missing, %v, want %d", n, err, want)
		}
		if n, err := b.store.AddVotes(t.Context(), votes); err != nil || n != want {
			t.Errorf("added %d, %v, want %d", n, err, want)
		}
	}
	if b.revision(t) != revision {
		t.Error("votes changed what is dealt from")
	}
	got := b.allVotes(t)
	if fmt.Sprint(got) != fmt.Sprint(votes) {
		t.Errorf("votes = %v", got)
	}
	// A vote for a collection that is not there takes the others back.
	other := votes[0]
	other.Collection, other.Classification = "gone", "9"
	votes[0].Classification = "8"
	if n, err := b.store.AddVotes(t.Context(), []corpus.ImportedVote{votes[0], other}); err == nil || n != 0 {
		t.Errorf("added %d, %v", n, err)
	}
	if len(b.allVotes(t)) != 8 {
		t.Error("half of a batch was stored")
	}
	if err := b.store.DeleteCollection(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if left := b.allVotes(t); len(left) != 0 {
		t.Errorf("%d votes outlive their collection", len(left))
	}
}

func TestImportClassifications(t *testing.T) { onEveryDatabase(t, testImportClassifications) }

func testImportClassifications(t *testing.T, b *bundle) {
	const person = "SECRET"
	b.file(t, "export.csv", []byte("\ufeffclassification_id,user_name,user_id,user_ip,workflow_id,workflow_name,workflow_version,created_at,metadata,annotations,subject_data,subject_ids\n"+
		"7,"+person+","+person+","+person+`,1,Labels,1.2,2020-01-02 03:04:05 UTC,"{""session"":""`+person+`""}","[{""task"":""T0"",""task_label"":""Name?"",""value"":""Smith""},{""task"":""T1"",""value"":""""}]","{""5"":{""file"":""a.jpg""}}",5`+"\n"+
		`8,,,,1,Labels,1.2,2020-01-02 03:04:05 UTC,{},broken,,5`+"\n"+
		`9,,,,1,Labels,1.2,2020-01-02 03:04:05 UTC,{},"[{""task"":""T0"",""value"":""x""}]",,5;6`+"\n"))
	trial := func(p *corpus.ImportParams) { p.DryRun = true }
	if r := b.imports(t, trial); r.Votes != 3 || r.VotesPresent != 0 || len(b.allVotes(t)) != 0 {
		t.Errorf("a trial = %+v, and %d votes were stored", r, len(b.allVotes(t)))
	}
	r := b.imports(t)
	if r.Votes != 3 || r.VotesPresent != 0 || r.Made != 0 || r.Skipped.Total != 1 || !strings.Contains(problems(r.Skipped), "export.csv:3: annotations: it is no JSON") {
		t.Errorf("report = %+v", r)
	}
	if !strings.Contains(problems(r.Notes), "export.csv:4: it is of 2 subjects") {
		t.Errorf("notes = %s", problems(r.Notes))
	}
	votes := b.allVotes(t)
	want := corpus.ImportedVote{
		Collection: "c", Classification: "7", Task: "T0", Subject: "5", File: "a.jpg", Question: "Name?", Value: "Smith", Workflow: "Labels", Version: "1.2",
		DecidedAt: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	if len(votes) != 3 || votes[0] != want {
		t.Errorf("votes = %+v", votes)
	}
	if strings.Contains(fmt.Sprintf("%+v %+v", votes, r), person) {
		t.Errorf("it tells of the person: %+v", votes)
	}
	if r := b.imports(t, trial); r.Votes != 0 || r.VotesPresent != 3 {
		t.Errorf("a second trial = %+v", r)
	}
	if r := b.imports(t); r.Votes != 0 || r.VotesPresent != 3 || len(b.allVotes(t)) != 3 {
		t.Errorf("again: %+v", r)
	}
	if _, err := corpus.Import(t.Context(), corpus.ImportParams{Source: b.dir, Collection: "demo"}, b.store, nil); domain.CodeOf(err) != domain.CodeInvalid {
		t.Errorf("votes for the demonstration: %v", err)
	}
}
