package clients

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const (
	secretPrefix = "ocapi_"

	// secretIDBytes gives 8 characters: enough to tell secrets apart, which is
	// all that the id is for. It protects nothing.
	secretIDBytes = 5

	// secretKeyBytes is HS512's own block: RFC 7518 asks for 64 bytes or more.
	secretKeyBytes = 64
)

// PrivateID is a client's private id while it is on its way to the operator's
// screen: `ocapi_<secret id>_<64 random bytes, base64url>`. The bytes of that
// text are the HMAC key. No formatting, logging or encoding prints it; only
// [PrivateID.Reveal] does.
type PrivateID struct {
	id      string
	printed string
}

// newPrivateID draws a private id from the operating system's randomness.
func newPrivateID() PrivateID {
	var random [secretIDBytes + secretKeyBytes]byte
	_, _ = rand.Read(random[:]) // documented never to fail: it ends the program instead
	id := strings.ToLower(base32.StdEncoding.EncodeToString(random[:secretIDBytes]))
	return PrivateID{id: id, printed: secretPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(random[secretIDBytes:])}
}

// SecretID names the secret without giving it away; rotate, revoke and list
// speak of it by this name.
func (p PrivateID) SecretID() string { return p.id }

// Reveal gives the printed form, for the one moment when it is shown.
func (p PrivateID) Reveal() string { return p.printed }

// String gives the part that is no secret.
func (p PrivateID) String() string { return secretPrefix + p.id + "_(hidden)" }

// GoString is as [PrivateID.String].
func (p PrivateID) GoString() string { return p.String() }

// Format is as [PrivateID.String], for every verb.
func (p PrivateID) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, p.String()) }

// LogValue is as [PrivateID.String].
func (p PrivateID) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText is as [PrivateID.String], so no encoder prints the secret either.
func (p PrivateID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalJSON is as [PrivateID.String].
func (p PrivateID) MarshalJSON() ([]byte, error) { return json.Marshal(p.String()) }

var (
	_ fmt.Formatter  = PrivateID{}
	_ slog.LogValuer = PrivateID{}
)
