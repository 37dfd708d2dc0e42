package domain

import (
	"encoding/hex"
	"fmt"
)

// UUID is 128 bits in RFC 9562 layout. The zero value is no identifier.
type UUID [16]byte

// ParseUUID reads the canonical 36-character form, in either case of letters.
// Braces, URN prefixes and forms without hyphens are refused: an address that
// has several spellings would have several subjects in the log.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return UUID{}, fmt.Errorf("not a UUID of the form 8-4-4-4-12: %.40q", s)
	}
	var digits [32]byte
	copy(digits[0:], s[0:8])
	copy(digits[8:], s[9:13])
	copy(digits[12:], s[14:18])
	copy(digits[16:], s[19:23])
	copy(digits[20:], s[24:36])
	if _, err := hex.Decode(u[:], digits[:]); err != nil {
		return UUID{}, fmt.Errorf("not a UUID: %w", err)
	}
	return u, nil
}

// IsZero reports whether u is no identifier.
func (u UUID) IsZero() bool { return u == UUID{} }

// UUIDTextBytes is how long the canonical form is.
const UUIDTextBytes = 36

// Append appends the canonical lower-case form to b.
func (u UUID) Append(b []byte) []byte {
	text := u.text()
	return append(b, text[:]...)
}

// String gives the canonical lower-case form.
func (u UUID) String() string {
	text := u.text()
	return string(text[:])
}

func (u UUID) text() (b [UUIDTextBytes]byte) {
	hex.Encode(b[0:8], u[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], u[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], u[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], u[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], u[10:16])
	return b
}

// MarshalText implements encoding.TextMarshaler with the canonical form.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; errors as [ParseUUID].
func (u *UUID) UnmarshalText(b []byte) error {
	parsed, err := ParseUUID(string(b))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}

// ChallengeID names one challenge. It is the moment at which it was made and 74
// random bits ([UUIDv7]), and therefore the capability to answer it: nobody can
// guess another visitor's challenge. Those of older releases are wholly random
// (UUIDv4) and stay good; nothing depends on the version.
type ChallengeID struct{ UUID }

// ParseChallengeID reads a challenge id; errors as [ParseUUID].
func ParseChallengeID(s string) (ChallengeID, error) {
	u, err := ParseUUID(s)
	return ChallengeID{u}, err
}

// EventID names one event for ever (UUIDv7). It is how an unknown outcome is
// resolved: whoever wrote the last event of a subject is told by its id.
type EventID struct{ UUID }

// ParseEventID reads an event id; errors as [ParseUUID].
func ParseEventID(s string) (EventID, error) {
	u, err := ParseUUID(s)
	return EventID{u}, err
}

// MaxClientIDBytes bounds a client's public id and its aliases.
const MaxClientIDBytes = 64

// ClientID is a partner's public id. It stands in URLs and in the subjects of
// the log, so its alphabet is letters, digits, '-' and '_'.
type ClientID string

// ParseClientID checks the alphabet and the length, 1 to [MaxClientIDBytes].
func ParseClientID(s string) (ClientID, error) {
	if s == "" {
		return "", Invalid("client_id", "a client id has at least one character")
	}
	if len(s) > MaxClientIDBytes {
		return "", Invalid("client_id", "a client id has at most %d characters, this one has %d", MaxClientIDBytes, len(s))
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (r < '0' || r > '9') && r != '-' && r != '_' {
			return "", Invalid("client_id", "character %d of the client id is %q; only letters, digits, '-' and '_' are allowed", i+1, r)
		}
	}
	return ClientID(s), nil
}

// ImageID names one image within all collections; it is opaque and never sent
// to a browser.
type ImageID string

// CollectionID names one collection of images.
type CollectionID string
