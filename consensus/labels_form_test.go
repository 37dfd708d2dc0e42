package consensus

import (
	"strings"
	"testing"

	"ocapi/domain"
)

func TestStoredModels(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*Model{"built in": Builtin(), "fitted": fittedModel(), "with a rate": {Version: 1 << 40, Labels: builtinLabels().WithRate("Löwe", 0, 1<<32-1)}} {
		form := m.Encode()
		got, err := DecodeModel(form)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Version != m.Version || string(got.Encode()) != string(form) {
			t.Errorf("%s: the form is %x, and then %x", name, form, got.Encode())
		}
		for n := range form {
			if _, err := DecodeModel(form[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes are a model", name, n, len(form))
			}
		}
		if _, err := DecodeModel(append(form, 0)); err == nil || !strings.Contains(err.Error(), "behind") {
			t.Errorf("%s: a byte more is read as %v", name, err)
		}
	}
	if _, err := DecodeModel([]byte{9}); err == nil || !strings.Contains(err.Error(), "form 9") {
		t.Errorf("an unknown form is refused with %v", err)
	}
}

func FuzzDecodeModel(f *testing.F) {
	f.Add(Builtin().Encode())
	f.Add(fittedModel().Encode())
	f.Add((&Model{Labels: builtinLabels().WithRate("lion", 1, 2).WithRate("bear", 0, 0)}).Encode())
	f.Add([]byte{1, 0, 200, 200, 1})
	f.Fuzz(func(t *testing.T, form []byte) {
		m, err := DecodeModel(form)
		if err != nil {
			return
		}
		again, err := DecodeModel(m.Encode())
		if err != nil {
			t.Fatalf("a model that was read is not read again: %v", err)
		}
		var tally Tally
		tally.Add(vote(board(2, 1), domain.VoteFor), 3)
		tally.Add(vote(Gold{Matches: 63, Hits: 1, NonMatches: 63, FalseAlarms: 9}, domain.VoteAgainst), 1)
		b := m.Belief(lion, &tally, Prior{})
		if again.Belief(lion, &tally, Prior{}) != b || !(b.Probability >= 0 && b.Probability <= 1) {
			t.Fatalf("%+v is believed", b)
		}
	})
}

func TestStoredKeywordsAreSorted(t *testing.T) {
	t.Parallel()
	for name, keywords := range map[string][]keywordModel{
		"out of order":    {{keyword: "lion"}, {keyword: "bear"}},
		"twice":           {{keyword: "lion"}, {keyword: "lion"}},
		"more than all":   {{keyword: "lion", matches: 2, images: 1}},
		"not a text":      {{keyword: "\xff"}},
		"a rate of 0":     {{keyword: "lion", types: []VisitorType{{0, 1, 1}}}},
		"more than 1":     {{keyword: "lion", types: []VisitorType{{1, 1, 1 << 15}, {1, 1, 1 << 15}, {1, 1, 1 << 15}}}},
		"too many groups": {{keyword: "lion", types: make([]VisitorType, mostTypes+1)}},
	} {
		m := &Model{Labels: LabelModel{keywords: keywords}}
		if _, err := DecodeModel(m.Encode()); err == nil || !strings.HasPrefix(err.Error(), "model of labels: ") {
			t.Errorf("keywords that are %s are read with %v", name, err)
		}
	}
}
