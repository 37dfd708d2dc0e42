package consensus_test

import (
	"bytes"
	"testing"

	"ocapi/consensus"
	"ocapi/domain"
)

// TestModelForm has a model fitted to what visitors did, stored and read again:
// it believes the same, and a damaged one is refused.
func TestModelForm(t *testing.T) {
	t.Parallel()
	w := newWorldOf(4, 200)
	s := consensus.NewState(w.params())
	for !s.FitDue() {
		c := w.challenge(nil)
		w.append(c)
		w.append(w.answer(c))
		feed(t, s, w.records[len(w.records)-2:])
		if len(w.records) > 20_000 {
			t.Fatalf("after %d events no model is due", len(w.records))
		}
	}
	e := s.Fit()
	if e.Version != 1 || e.Challenge != domain.ChallengeID(domain.ModelID) {
		t.Errorf("version %d of %s", e.Version, e.Challenge)
	}
	if again := s.Fit(); !bytes.Equal(again.Body, e.Body) {
		t.Error("the same state gives another model")
	}
	m, err := consensus.ReadModel(e.Version, e.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Encode(); !bytes.Equal(got, e.Body) || m.Version != 1 {
		t.Error("the model changed on its way")
	}
	if len(m.Labels.Types("cat")) == 0 {
		t.Error("it has no types of visitors")
	}
	p := w.params()
	p.Model = consensus.ReadModel
	after := consensus.NewState(p)
	w.append(e)
	feed(t, after, w.records)
	if after.Model().Version != 1 || after.FitDue() {
		t.Errorf("version %d is in force, another is due: %v", after.Model().Version, after.FitDue())
	}
	back, err := consensus.RestoreState(p, after.Snapshot())
	if err != nil || !bytes.Equal(back.Snapshot(), after.Snapshot()) || back.Model().Version != 1 {
		t.Errorf("a snapshot with a model: %v", err)
	}
	for n := range e.Body {
		if _, err := consensus.ReadModel(1, e.Body[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken for a model", n, len(e.Body))
		}
	}
	if _, err := consensus.ReadModel(1, append(e.Body, 0)); err == nil {
		t.Error("a model with something after it is read")
	}
}
