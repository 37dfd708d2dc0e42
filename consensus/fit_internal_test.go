package consensus

import (
	"fmt"
	"strings"
	"testing"
)

// A model of very many keywords still fits into an event: those with the most
// gold have tables of their own.
func TestFitFitsIntoAnEvent(t *testing.T) {
	t.Parallel()
	s := NewState(StateParams{Model: ReadModel})
	const keywords = 1500
	name := func(i int) string { return fmt.Sprintf("%s %d", strings.Repeat("ornament ", 8), i) }
	for i := range keywords {
		for hits := range uint8(4) {
			s.gold.Add(Gold{Matches: 3, Hits: hits, NonMatches: 4, FalseAlarms: 3 - hits}, name(i), 100+i)
		}
	}
	e := s.Fit()
	if len(e.Body) > modelBytes {
		t.Errorf("the model has %d bytes, at most %d fit", len(e.Body), modelBytes)
	}
	m, err := ReadModel(e.Version, e.Body)
	if err != nil {
		t.Fatal(err)
	}
	kept := m.Labels.Keywords()
	if len(kept) < 100 || len(kept) == keywords {
		t.Errorf("%d keywords are kept of %d", len(kept), keywords)
	}
	if m.Labels.keyword(name(keywords-1)) < 0 || m.Labels.keyword(name(0)) >= 0 {
		t.Error("those with the most gold are not those that are kept")
	}
}
