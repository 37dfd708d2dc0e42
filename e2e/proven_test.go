package e2e

import (
	"path/filepath"
	"testing"
)

// TestProofForTheRealThing starts a service that gives away two challenges and then asks for proofs of
// work. The widget works for the third, and it counts.
func TestProofForTheRealThing(t *testing.T) {
	t.Parallel()
	shared.running(t) // has built the program
	s := newServer(shared.binary, filepath.Join(t.TempDir(), "data"))
	s.flags = []string{"--client-rate", "0.001", "--client-burst", "2"}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	p := newTab(t)
	p.expect(`status of 429`)
	p.expect(`net::ERR_`) // for what is under way when the service stops
	p.open(s.base + "/demo?type=transcription")
	first := p.fillIn("transcription", "")
	p.click(another)
	second := p.dealt(first)
	p.click(another)
	third := p.dealt(second)
	proofs := p.sent("GET", "pow_solution=")
	if len(proofs) != 1 || proofs[0].status != 200 {
		t.Errorf("the proofs were %+v, want one that is taken", proofs)
	}
	p.solve(s, third)
	p.signsIn()
}
