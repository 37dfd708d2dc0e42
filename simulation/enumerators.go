package simulation

import "strings"

// Enumeration is what somebody gets who only takes challenges.
type Enumeration struct {
	Attacker string `json:"attacker"`
}

func (r *Report) writeEnumerators(*strings.Builder) {}
