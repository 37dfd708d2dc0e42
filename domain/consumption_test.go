package domain_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"ocapi/domain"
)

func TestDecideConsumption(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 9, 0, 0, 123_456_789, time.FixedZone("", 3600))
	const client = domain.ClientID("c")
	challenge := domain.ChallengeID{UUID: domain.UUID{1}}
	key, otherKey := domain.IdempotencyKey{UUID: domain.UUID{7}}, domain.IdempotencyKey{UUID: domain.UUID{8}}
	head := func(at time.Time) domain.Header {
		return domain.Header{ID: domain.EventID{UUID: domain.UUID{9}}, Client: client, Challenge: challenge, At: domain.Moment(at)}
	}
	created := func(age time.Duration) domain.Challenge {
		at := now.Add(-age)
		return domain.Challenge{Status: domain.StatusCreated, Created: &domain.ChallengeCreated{Header: head(at), ExpiresAt: at.Add(domain.Lifetime)}}
	}
	answered := func(verdict domain.Status, age time.Duration) domain.Challenge {
		return domain.Challenge{Status: verdict, Answered: &domain.ChallengeAnswered{Header: head(now.Add(-age)), Verdict: verdict}}
	}
	consumed := func(key domain.IdempotencyKey) domain.Challenge {
		return domain.Challenge{Status: domain.StatusValidated, Consumed: &domain.VerdictConsumed{
			Header: head(now), AnsweredAt: domain.Moment(now.Add(-time.Hour)), Key: key,
		}}
	}
	none := domain.IdempotencyKey{}
	for _, tt := range []struct {
		name      string
		challenge domain.Challenge
		cmd       domain.ConsumeVerdict
		want      domain.ConsumptionOutcome
		at        time.Time
		event     bool
	}{
		{"nothing", domain.Challenge{}, domain.ConsumeVerdict{Challenge: challenge, Client: client}, domain.ConsumptionUnknown, time.Time{}, false},
		{"another client's", answered(domain.StatusValidated, 0), domain.ConsumeVerdict{Challenge: challenge, Client: "x"}, domain.ConsumptionUnknown, time.Time{}, false},
		{"another client's, consumed", consumed(key), domain.ConsumeVerdict{Challenge: challenge, Client: "x", Key: key}, domain.ConsumptionUnknown, time.Time{}, false},
		{"another challenge", answered(domain.StatusValidated, 0), domain.ConsumeVerdict{Client: client}, domain.ConsumptionUnknown, time.Time{}, false},
		{"open", created(domain.Lifetime - 1), domain.ConsumeVerdict{Challenge: challenge, Client: client}, domain.ConsumptionPending, time.Time{}, false},
		{"never answered", created(domain.Lifetime), domain.ConsumeVerdict{Challenge: challenge, Client: client}, domain.ConsumptionExpired, time.Time{}, false},
		{"rejected", answered(domain.StatusRejected, 0), domain.ConsumeVerdict{Challenge: challenge, Client: client}, domain.ConsumptionRejected, time.Time{}, false},
		{"validated", answered(domain.StatusValidated, time.Minute), domain.ConsumeVerdict{Challenge: challenge, Client: client}, domain.ConsumptionDone, now.Add(-time.Minute), true},
		{"validated long ago", answered(domain.StatusValidated, 400*24*time.Hour), domain.ConsumeVerdict{Challenge: challenge, Client: client, Key: key}, domain.ConsumptionDone, now.Add(-400 * 24 * time.Hour), true},
		{"consumed", consumed(key), domain.ConsumeVerdict{Challenge: challenge, Client: client}, domain.ConsumptionSpent, time.Time{}, false},
		{"consumed by another attempt", consumed(key), domain.ConsumeVerdict{Challenge: challenge, Client: client, Key: otherKey}, domain.ConsumptionSpent, time.Time{}, false},
		{"consumed by this attempt", consumed(key), domain.ConsumeVerdict{Challenge: challenge, Client: client, Key: key}, domain.ConsumptionDone, now.Add(-time.Hour), false},
		{"consumed without a key, asked without one", consumed(none), domain.ConsumeVerdict{Challenge: challenge, Client: client}, domain.ConsumptionSpent, time.Time{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := domain.EventID{UUID: domain.UUID{42}}
			got, event := domain.DecideConsumption(tt.challenge, tt.cmd, now, id)
			want := domain.Consumption{Outcome: tt.want}
			if !tt.at.IsZero() {
				want.AnsweredAt = domain.Moment(tt.at)
			}
			if got != want || (event != nil) != tt.event {
				t.Errorf("it is %+v with the event %+v; want %+v, an event: %t", got, event, want, tt.event)
			}
			if event == nil {
				return
			}
			wantEvent := domain.VerdictConsumed{
				Header: domain.Header{ID: id, Challenge: challenge, Client: client, At: domain.Moment(now)}, AnsweredAt: want.AnsweredAt, Key: tt.cmd.Key,
			}
			if *event != wantEvent {
				t.Errorf("the event is %+v; want %+v", *event, wantEvent)
			}
			// What it causes is what a second attempt is told.
			after := domain.Evolve(tt.challenge, event)
			again, second := domain.DecideConsumption(after, tt.cmd, now.Add(time.Hour), domain.EventID{})
			if second != nil || (again.Outcome == domain.ConsumptionDone) != (tt.cmd.Key == key) {
				t.Errorf("the second attempt is %+v, with %+v", again, second)
			}
		})
	}
}

func TestEvolveConsumed(t *testing.T) {
	t.Parallel()
	head := domain.Header{Client: "c", Challenge: domain.ChallengeID{UUID: domain.UUID{1}}}
	strange := domain.Header{Client: "x", Challenge: head.Challenge}
	validated := domain.Challenge{Status: domain.StatusValidated, Answered: &domain.ChallengeAnswered{Header: head, Verdict: domain.StatusValidated}}
	rejected := domain.Challenge{Status: domain.StatusRejected, Answered: &domain.ChallengeAnswered{Header: head, Verdict: domain.StatusRejected}}
	open := domain.Challenge{Status: domain.StatusCreated, Created: &domain.ChallengeCreated{Header: head}}
	first := &domain.VerdictConsumed{Header: head}
	if got := domain.Evolve(validated, first); got.Consumed != first || got.Status != domain.StatusValidated || got.Answered != validated.Answered {
		t.Errorf("a validated challenge becomes %+v", got)
	}
	if got := domain.Evolve(domain.Evolve(validated, first), &domain.VerdictConsumed{Header: head}); got.Consumed != first {
		t.Error("the second consumption counts")
	}
	for name, c := range map[string]domain.Challenge{"nothing": {}, "open": open, "rejected": rejected} {
		if got := domain.Evolve(c, first); got != c {
			t.Errorf("%s: it becomes %+v", name, got)
		}
	}
	if got := domain.Evolve(validated, &domain.VerdictConsumed{Header: strange}); got.Consumed != nil {
		t.Error("another client has consumed it")
	}
}

func TestTestClients(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range domain.TestClients() {
		id, err := domain.ParseClientID(string(c.ID))
		if err != nil || id != c.ID {
			t.Errorf("%s is no client's id: %v", c.ID, err)
		}
		parts := strings.SplitN(c.Key, "_", 3)
		if len(parts) != 3 || parts[0] != "ocapi" || parts[1] != c.SecretID || len(c.SecretID) != 8 {
			t.Fatalf("%s is no private id", c.Key)
		}
		if raw, err := base64.RawURLEncoding.Strict().DecodeString(parts[2]); err != nil || len(raw) != 64 {
			t.Errorf("the key of %s has %d bytes, %v", c.ID, len(raw), err)
		}
		client := c.Client()
		if client.Rehearsal != c.Outcome || !client.SiteVerify || !client.Secrets[0].Live(time.Now()) || client.Secrets[0].Key != c.Key {
			t.Errorf("the client is %+v", client)
		}
		done := client.Rehearse(time.Now()).Outcome == domain.ConsumptionDone
		if done != (c.Outcome == domain.StatusValidated) {
			t.Errorf("%s: consumed: %t", c.ID, done)
		}
		if seen[c.SecretID] || seen[string(c.ID)] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.SecretID], seen[string(c.ID)] = true, true
	}
	if len(seen) != 6 {
		t.Errorf("there are %d names", len(seen))
	}
	if got := (&domain.Client{}).Rehearse(time.Now()).Outcome; got != domain.ConsumptionUnknown {
		t.Errorf("a client that is no test client rehearses %v", got)
	}
}

func TestParseOrigin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"https://www.example.org", "https://www.example.org"},
		{"HTTPS://WWW.Example.ORG", "https://www.example.org"},
		{"https://www.example.org:443", "https://www.example.org"},
		{"http://www.example.org:80", "http://www.example.org"},
		{"http://www.example.org:443", "http://www.example.org:443"},
		{"http://localhost:8080", "http://localhost:8080"},
		{"https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"},
		{"https://[2001:db8::1]:443", "https://[2001:db8::1]"},
		{"https://127.0.0.1:65535", "https://127.0.0.1:65535"},
		{"https://example.org:", ""}, {"https://example.org:0", ""}, {"https://example.org:65536", ""}, {"https://example.org:0443", ""},
		{"https://[2001:db8::1", ""}, {"https://[]", ""}, {"https://2001:db8::1", ""}, {"https://.example.org", ""}, {"https://bücher.example", ""},
		{"", ""}, {"null", ""}, {"*", ""}, {"example.org", ""}, {"https://", ""}, {"https://example.org/", ""},
		{"https://example.org/form", ""}, {"https://example.org?x", ""}, {"https://example.org?", ""}, {"https://example.org#x", ""},
		{"https://user@example.org", ""}, {"ftp://example.org", ""}, {"https://*.example.org", ""},
		{"https://a.example.org https://b.example.org", ""}, {"https://a.example.org;sandbox", ""},
	} {
		got, err := domain.ParseOrigin(tt.text)
		if got != tt.want || (err == nil) != (tt.want != "") || err != nil && domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("ParseOrigin(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestClientAdmits(t *testing.T) {
	t.Parallel()
	anybody, one := domain.Client{}, domain.Client{Origins: []string{"https://www.example.org"}}
	for _, tt := range []struct {
		origin string
		want   bool
	}{
		{"", true}, {"https://www.example.org", true}, {"https://WWW.example.org:443", true},
		{"http://www.example.org", false}, {"https://example.org", false}, {"null", false}, {"https://www.example.org.evil.example", false},
	} {
		if got := one.Admits(tt.origin); got != tt.want {
			t.Errorf("Admits(%q) = %t", tt.origin, got)
		}
		if !anybody.Admits(tt.origin) {
			t.Errorf("a client without a list refuses %q", tt.origin)
		}
	}
}
