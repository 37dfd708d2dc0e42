package main

import (
	"encoding/hex"
	"net/http"
	"strings"

	"ocapi/domain"
	"ocapi/rate"
)

// exhaust takes what is free.
func (v *visitor) exhaust() {
	v.t.Helper()
	v.ask("")
	v.ask("")
}

// asked gives the question that is asked.
func (v *visitor) asked(query string) *work {
	v.t.Helper()
	p := v.get("/challenge/"+v.client+"?pow=1"+query).wantProblem(v.t, http.StatusTooManyRequests)
	if p.Pow == nil || p.Pow.Algorithm != domain.WorkAlgorithm {
		v.t.Fatalf("nothing is asked: %+v", p)
	}
	return p.Pow
}

// solve does the work.
func (v *visitor) solve(w *work) string {
	v.t.Helper()
	field := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			v.t.Fatal(err)
		}
		return b
	}
	solution, err := rate.Solve(v.t.Context(), &domain.Work{
		Nonce: field(w.Nonce), Salt: field(w.Salt), KeyPrefix: field(w.KeyPrefix),
		Cost: w.Cost, KeyLength: w.KeyLength, Max: w.Max, Token: w.Token,
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return solution
}

// prove sends a proof.
func (v *visitor) prove(solution string) reply {
	v.t.Helper()
	return v.get("/challenge/" + v.client + "?pow=1&pow_solution=" + solution)
}

// provenChallenge sends a proof that has to let in.
func (v *visitor) provenChallenge(solution string) challenge {
	v.t.Helper()
	got := v.prove(solution)
	var c challenge
	if err := decode(got.body, &c); got.status != http.StatusOK || err != nil {
		v.t.Fatalf("with a proof: %d %s (%v)", got.status, got.body, err)
	}
	return c
}

// refusedProof sends a proof that has to be refused because of something.
func (v *visitor) refusedProof(solution, because string) {
	v.t.Helper()
	p := v.prove(solution).wantProblem(v.t, http.StatusTooManyRequests)
	if !strings.Contains(p.Detail, because) {
		v.t.Errorf("the proof is refused because %q; want %q", p.Detail, because)
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
