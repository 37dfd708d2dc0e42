//go:build linux

package service

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// ChallengeID is a challenge's UUID.
type ChallengeID [16]byte

// String gives the form with hyphens.
func (id ChallengeID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// What is known of a challenge, as bits.
const (
	AckedCreated  uint8 = 1 << iota // its creation was acknowledged,
	AckedAnswered                   // and its verdict
	foundCreated
	foundAnswered
)

// Ledger is what a server has acknowledged, to be compared with its archive.
type Ledger struct {
	mu sync.Mutex
	of map[ChallengeID]uint8
}

func newLedger() *Ledger { return &Ledger{of: map[ChallengeID]uint8{}} }

// Add notes acknowledgements of one kind.
func (l *Ledger) Add(bit uint8, ids []ChallengeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.of[id] |= bit
	}
}

// Audit is what comparing an archive with a ledger found.
type Audit struct {
	Durability string `json:"durability"`
	Created    int    `json:"created_acknowledged"`
	Answered   int    `json:"answered_acknowledged"`
	Archived   int    `json:"events_archived"`
	Missing    int    `json:"missing"`    // acknowledged and not in the archive
	Unexpected int    `json:"unexpected"` // in the archive twice, or never acknowledged
	// Others counts events that nobody was acknowledged, by type: what the service
	// has decided by the run's answers.
	Others map[string]int `json:"others,omitempty"`
}

// quarantined is the type of an event that sets votes aside.
const quarantined = "VotesQuarantined"

// String says it in a line.
func (a Audit) String() string {
	line := fmt.Sprintf("durability %s: %d creations and %d verdicts acknowledged; %d events archived; %d missing, %d unexpected",
		a.Durability, a.Created, a.Answered, a.Archived, a.Missing, a.Unexpected)
	if len(a.Others) == 0 {
		return line
	}
	line += "; decided by the run's votes:"
	for i, name := range slices.Sorted(maps.Keys(a.Others)) {
		if i > 0 {
			line += ","
		}
		line += fmt.Sprintf(" %d %s", a.Others[name], name)
	}
	if a.Others[quarantined] > 0 {
		line += " (the guard took the run's answers for a flood of one answer, so they count for nothing)"
	}
	return line
}

// Verdict says first whether all is well.
func (a Audit) Verdict() string {
	if a.Missing+a.Unexpected > 0 {
		return "THE ARCHIVE DIFFERS from what was acknowledged: " + a.String()
	}
	return "Everything acknowledged is in the archive, once: " + a.String()
}

// Differences is an error for each archive that differs.
func Differences(audits []Audit) error {
	var errs []error
	for _, a := range audits {
		if a.Missing+a.Unexpected > 0 {
			errs = append(errs, fmt.Errorf("the archive differs: %s", a))
		}
	}
	return errors.Join(errs...)
}

// compare reads what "ocapi events" prints of the archive.
func (l *Ledger) compare(events io.Reader) (Audit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var a Audit
	err := eachLine(events, func(line []byte) error {
		a.Archived++
		kind, ok := typeOf(line)
		if !ok {
			return fmt.Errorf("an event has no type: %.120q", line)
		}
		var bit uint8
		switch {
		case kind == "ChallengeCreated":
			bit = foundCreated
		case kind != "ChallengeAnswered":
			if a.Others == nil {
				a.Others = map[string]int{}
			}
			a.Others[kind]++
			return nil
		case bytes.Contains(line, []byte(`"verdict":"validated"`)):
			bit = foundAnswered
		}
		id, ok := ChallengeOf(line)
		if !ok {
			return fmt.Errorf("an event names no challenge: %.120q", line)
		}
		known := l.of[id]
		if bit == 0 || known&bit != 0 || known&(bit>>2) == 0 {
			a.Unexpected++
		}
		l.of[id] = known | bit
		return nil
	})
	for _, bits := range l.of {
		if bits&AckedCreated != 0 {
			a.Created++
		}
		if bits&AckedAnswered != 0 {
			a.Answered++
		}
		for _, bit := range [...]uint8{AckedCreated, AckedAnswered} {
			if bits&bit != 0 && bits&(bit<<2) == 0 {
				a.Missing++
			}
		}
	}
	return a, err
}

// typeOf finds an event's type, as [ChallengeOf] finds its challenge.
func typeOf(line []byte) (string, bool) {
	_, after, found := bytes.Cut(line, []byte(`"type":"`))
	name, _, closed := bytes.Cut(after, []byte{'"'})
	return string(name), found && closed && len(name) > 0
}

// ChallengeOf finds "challenge_id":"…" without decoding the rest: there are
// hundreds of thousands of lines and responses.
func ChallengeOf(text []byte) (ChallengeID, bool) {
	const name = `"challenge_id":"`
	i := bytes.Index(text, []byte(name))
	if i < 0 || len(text) < i+len(name)+36 {
		return ChallengeID{}, false
	}
	return ParseID(text[i+len(name) : i+len(name)+36])
}

// ParseID reads a UUID with hyphens.
func ParseID(text []byte) (id ChallengeID, ok bool) {
	var digits [32]byte
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	b := append(digits[:0], text[:8]...)
	b = append(b, text[9:13]...)
	b = append(b, text[14:18]...)
	b = append(b, text[19:23]...)
	b = append(b, text[24:]...)
	_, err := hex.Decode(id[:], b)
	return id, err == nil
}

// Flatten makes one list of many.
func Flatten(lists [][]ChallengeID) []ChallengeID {
	var all []ChallengeID
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// Audit compares the archive with what was acknowledged. The service has
// stopped.
func (s *Ocapi) Audit(ctx context.Context) (Audit, error) {
	var a Audit
	err := s.readEvents(ctx, time.Time{}, func(events io.Reader) (err error) {
		a, err = s.Acked.compare(events)
		return err
	})
	a.Durability = s.Durability
	if err == nil && strings.Contains(s.Tail(), "level=ERROR") {
		err = fmt.Errorf("ocapi (durability %s) reported an error:\n%s", s.Durability, s.Tail())
	}
	return a, err
}
