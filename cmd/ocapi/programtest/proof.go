package programtest

import (
	"encoding/hex"
	"net/http"
	"strings"

	"ocapi/domain"
	"ocapi/rate"
)

// Exhaust takes what is free.
func (v *Visitor) Exhaust() {
	v.T.Helper()
	v.Ask("")
	v.Ask("")
}

// Asked gives the question that is asked.
func (v *Visitor) Asked(query string) *work {
	v.T.Helper()
	p := v.Get("/challenge/"+v.Client+"?pow=1"+query).WantProblem(v.T, http.StatusTooManyRequests)
	if p.Pow == nil || p.Pow.Algorithm != domain.WorkAlgorithm {
		v.T.Fatalf("nothing is asked: %+v", p)
	}
	return p.Pow
}

// Solve does the work.
func (v *Visitor) Solve(w *work) string {
	v.T.Helper()
	field := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			v.T.Fatal(err)
		}
		return b
	}
	solution, err := rate.Solve(v.T.Context(), &domain.Work{
		Nonce: field(w.Nonce), Salt: field(w.Salt), KeyPrefix: field(w.KeyPrefix),
		Cost: w.Cost, KeyLength: w.KeyLength, Max: w.Max, Token: w.Token,
	})
	if err != nil {
		v.T.Fatal(err)
	}
	return solution
}

// prove sends a proof.
func (v *Visitor) prove(solution string) Reply {
	v.T.Helper()
	return v.Get("/challenge/" + v.Client + "?pow=1&pow_solution=" + solution)
}

// ProvenChallenge sends a proof that has to let in.
func (v *Visitor) ProvenChallenge(solution string) Challenge {
	v.T.Helper()
	got := v.prove(solution)
	var c Challenge
	if err := Decode(got.Body, &c); got.Status != http.StatusOK || err != nil {
		v.T.Fatalf("with a proof: %d %s (%v)", got.Status, got.Body, err)
	}
	return c
}

// RefusedProof sends a proof that has to be refused because of something.
func (v *Visitor) RefusedProof(solution, because string) {
	v.T.Helper()
	p := v.prove(solution).WantProblem(v.T, http.StatusTooManyRequests)
	if !strings.Contains(p.Detail, because) {
		v.T.Errorf("the proof is refused because %q; want %q", p.Detail, because)
	}
}

// work is the question of a problem document.
type work struct {
	Algorithm string `json:"algorithm"`
	Nonce     string `json:"nonce"`
	Salt      string `json:"salt"`
	Cost      int    `json:"cost"`
	KeyLength int    `json:"key_length"`
	KeyPrefix string `json:"key_prefix"`
	Max       int    `json:"max"`
	Token     string `json:"token"`
}
