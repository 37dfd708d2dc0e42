package domain

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Client is a partner as the service knows it. Values are shared between
// goroutines and never changed in place.
type Client struct {
	ID          ClientID
	Aliases     []ClientID // other public ids that mean the same client
	Secrets     []Secret
	Collections []CollectionID // empty: all that are not the demo's, else the demo's
	Disabled    bool           // as if it did not exist
	Limit       Limit          // of challenges without a proof of work; zero: the service's default
	CreatedAt   time.Time
}

// Limit is a rate with the burst that it tolerates. The zero value is none.
type Limit struct {
	PerSecond float64 // sustained, a second
	Burst     int     // at once after a rest
}

// Secret is one private id of a client. Its printed form is the HMAC key.
type Secret struct {
	ID        string
	Key       string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: lives until it is revoked
}

// Format implements [fmt.Formatter]: no verb prints the key.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "private id %s", s.ID) }

// LogValue implements [slog.LogValuer] without the key.
func (s Secret) LogValue() slog.Value { return slog.StringValue("private id " + s.ID) }

// MarshalJSON implements json.Marshaler without the key.
func (s Secret) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID        string    `json:"secret_id"`
		CreatedAt time.Time `json:"created_at"`
		ExpiresAt time.Time `json:"expires_at,omitzero"`
	}{s.ID, s.CreatedAt, s.ExpiresAt})
}

// Live reports whether the secret may be used at the time now.
func (s Secret) Live(now time.Time) bool { return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt) }

// Named reports whether id is the client's public id or one of its aliases.
func (c *Client) Named(id string) bool {
	return string(c.ID) == id || slices.Contains(c.Aliases, ClientID(id))
}
