package domain

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Client is a partner as the service knows it. Values are shared between
// goroutines and never changed in place.
type Client struct {
	ID          ClientID
	Aliases     []ClientID // other public ids that mean the same client
	Secrets     []Secret
	Collections []CollectionID  // empty: all that are not the demo's, else the demo's
	Disabled    bool            // as if it did not exist
	Limit       Limit           // of challenges without a proof of work; zero: the service's default
	Types       []ChallengeType // that it is served; empty: all
	Languages   []string        // of its challenges, BCP 47 tags; empty: all
	Origins     []string        // of the pages that may call, as ParseOrigin gives them; empty: any page
	SiteVerify  bool            // its verdicts may be consumed, once each
	Rehearsal   Status          // of a test client: what all its challenges are; StatusNone: it is none
	CreatedAt   time.Time
}

// Serves reports whether the client may be served challenges of a type.
func (c *Client) Serves(t ChallengeType) bool {
	return len(c.Types) == 0 || slices.Contains(c.Types, t)
}

// Admits reports whether scripts of a page may call for the client, by the
// origin that the browser names; empty where it names none.
func (c *Client) Admits(origin string) bool {
	if len(c.Origins) == 0 || origin == "" {
		return true
	}
	canonical, err := ParseOrigin(origin)
	return err == nil && slices.Contains(c.Origins, canonical)
}

// ParseOrigin reads an origin such as https://www.example.org or
// http://localhost:8080 and gives it in the form that browsers send: lower
// case, without the port that the scheme has anyway. A name in other letters is
// written as xn--…, as browsers send it. The error is of CodeInvalid.
func ParseOrigin(s string) (string, error) {
	scheme, rest, _ := strings.Cut(strings.ToLower(s), "://")
	usual := map[string]string{"http": "80", "https": "443"}[scheme]
	host, port := rest, ""
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		host, port = rest[:i], rest[i+1:]
	}
	// "null" is what a browser says of a page that has no origin.
	if usual == "" || !validHost(host) || len(rest) != len(host) && !validPort(port) {
		return "", Invalid("origins", "%.80q is no origin such as https://www.example.org: a scheme, a host and where needed a port, and nothing after them", s)
	}
	if port == "" || port == usual {
		return scheme + "://" + host, nil
	}
	return scheme + "://" + host + ":" + port, nil
}

// maxHostBytes is the longest name that DNS has.
const maxHostBytes = 253

// validHost allows names and addresses, the longer ones in brackets.
func validHost(host string) bool {
	inside, six := strings.CutPrefix(host, "[")
	allowed := "abcdefghijklmnopqrstuvwxyz0123456789-._"
	if six {
		var closed bool
		if inside, closed = strings.CutSuffix(inside, "]"); !closed {
			return false
		}
		allowed = "abcdef0123456789:."
	}
	return inside != "" && len(inside) <= maxHostBytes && strings.Trim(inside, allowed) == "" && inside[0] != '.'
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == port
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
