package replay

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"ocapi/consensus"
	"ocapi/domain"
	"ocapi/replay"
)

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

// Fields gives the fields of a CSV's row to tests that look at the whole program.
func (r *consensusRow) Fields() []string { return new(csvRow).of(r) }
