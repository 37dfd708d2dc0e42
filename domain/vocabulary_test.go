package domain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ocapi/domain"
)

func TestParseUUID(t *testing.T) {
	t.Parallel()
	const canonical = "0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11"
	tests := map[string]struct {
		text string
		ok   bool
	}{
		"canonical":               {canonical, true},
		"upper case":              {strings.ToUpper(canonical), true},
		"empty":                   {"", false},
		"braces":                  {"{" + canonical + "}", false},
		"URN":                     {"urn:uuid:" + canonical, false},
		"without hyphens":         {strings.ReplaceAll(canonical, "-", ""), false},
		"36 characters, no hyphe": {strings.Repeat("0", 36), false},
		"a hyphen too far left":   {"0d9c1d5-c3f43-4c0e-9d2b-0c6a4a0f6a11", false},
		"not hexadecimal":         {"0d9c1d5g-3f43-4c0e-9d2b-0c6a4a0f6a11", false},
		"a hyphen for a digit":    {"0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a1-", false},
		"too long":                {canonical + "1", false},
		"a space":                 {" " + canonical[1:], false},
		"not ASCII":               {"é" + canonical[2:], false},
		"huge":                    {strings.Repeat("a", 1<<16), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := domain.ParseUUID(tt.text)
			if (err == nil) != tt.ok || u.IsZero() == tt.ok {
				t.Fatalf("ParseUUID = %v, %v", u, err)
			}
			if tt.ok && u.String() != canonical {
				t.Errorf("it prints as %s", u)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("the error repeats the input: %d bytes", len(err.Error()))
			}
		})
	}
}

func TestUUIDRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var u domain.UUID
		copy(u[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
		if back, err := domain.ParseUUID(u.String()); err != nil || back != u {
			t.Fatalf("%v came back as %v, %v", u, back, err)
		}
		c, err := domain.ParseChallengeID(u.String())
		if err != nil || c.UUID != u {
			t.Fatalf("as a challenge id %v came back as %v, %v", u, c, err)
		}
		e, err := domain.ParseEventID(u.String())
		if err != nil || e.UUID != u {
			t.Fatalf("as an event id %v came back as %v, %v", u, e, err)
		}
		data, err := json.Marshal(map[domain.ChallengeID]domain.EventID{c: e})
		if err != nil {
			t.Fatal(err)
		}
		var back map[domain.ChallengeID]domain.EventID
		if err := json.Unmarshal(data, &back); err != nil || back[c] != e {
			t.Fatalf("%s came back as %v, %v", data, back, err)
		}
	})
}

func FuzzParseUUID(f *testing.F) {
	f.Add("0d9c1d5c-3f43-4c0e-9d2b-0c6a4a0f6a11")
	f.Fuzz(func(t *testing.T, text string) {
		if u, err := domain.ParseUUID(text); err == nil && u.String() != strings.ToLower(text) {
			t.Errorf("%q was read as %v", text, u)
		}
	})
}

func TestParseClientID(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		ok   bool
	}{
		"letters":         {"partner", true},
		"all allowed":     {"Az09-_", true},
		"longest":         {strings.Repeat("a", domain.MaxClientIDBytes), true},
		"empty":           {"", false},
		"too long":        {strings.Repeat("a", domain.MaxClientIDBytes+1), false},
		"dot":             {"a.b", false}, // would be two tokens of a subject
		"wildcard":        {"*", false},
		"greater than":    {">", false},
		"space":           {"a b", false},
		"slash":           {"a/b", false},
		"accent":          {"é", false},
		"not UTF-8":       {"a\xff", false},
		"zero byte":       {"a\x00", false},
		"next to letters": {"@", false},
		"above letters":   {"[", false},
		"above the small": {"{", false},
		"below the small": {"`", false},
		"next to digits":  {":", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, err := domain.ParseClientID(tt.text)
			if tt.ok {
				if err != nil || string(id) != tt.text {
					t.Errorf("ParseClientID = %q, %v", id, err)
				}
				return
			}
			e, _ := errors.AsType[*domain.Error](err)
			if id != "" || e == nil || e.Code != domain.CodeInvalid || e.Field != "client_id" {
				t.Errorf("ParseClientID = %q, %v; want CodeInvalid with the field", id, err)
			}
		})
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	limited := &domain.Error{Code: domain.CodeLimited, Message: "wait", RetryAfter: time.Second}
	tests := map[string]struct {
		err  error
		want domain.Code
	}{
		"nothing":             {nil, domain.CodeInternal},
		"another's":           {io.EOF, domain.CodeInternal},
		"plain":               {limited, domain.CodeLimited},
		"wrapped":             {fmt.Errorf("issue: %w", limited), domain.CodeLimited},
		"wrapped twice":       {fmt.Errorf("b: %w", fmt.Errorf("a: %w", limited)), domain.CodeLimited},
		"joined":              {errors.Join(io.EOF, limited), domain.CodeLimited},
		"the outermost":       {domain.Unavailable("no", fmt.Errorf("x: %w", domain.Invalid("f", "bad"))), domain.CodeUnavailable},
		"said, not wrapped":   {fmt.Errorf("issue: %v", limited), domain.CodeInternal}, //nolint:errorlint // the case
		"as the cause":        {fmt.Errorf("x: %w", domain.Conflict(io.EOF)), domain.CodeConflict},
		"invalid":             {domain.Invalid("f", "bad %d", 1), domain.CodeInvalid},
		"not found":           {domain.NotFound("no %s", "x"), domain.CodeNotFound},
		"conflict":            {domain.Conflict(nil), domain.CodeConflict},
		"already answered":    {domain.AlreadyAnswered(domain.StatusRejected), domain.CodeAlreadyAnswered},
		"expired":             {domain.Expired(), domain.CodeExpired},
		"unavailable":         {domain.Unavailable("no", nil), domain.CodeUnavailable},
		"zero value of Error": {&domain.Error{}, domain.CodeInternal},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := domain.CodeOf(tt.err); got != tt.want {
				t.Errorf("CodeOf(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}

func TestErrorFields(t *testing.T) {
	t.Parallel()
	if e := domain.AlreadyAnswered(domain.StatusValidated); e.Status != domain.StatusValidated {
		t.Errorf("AlreadyAnswered has the status %v", e.Status)
	}
	e := domain.Unavailable("the log does not answer", io.EOF)
	if e.RetryAfter <= 0 || !errors.Is(e, io.EOF) {
		t.Errorf("Unavailable = %#v", e)
	}
	if got, want := e.Error(), "unavailable: the log does not answer: EOF"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if strings.Contains(e.Message, "EOF") {
		t.Errorf("the message for callers holds the cause: %q", e.Message)
	}
	if got, want := domain.Expired().Error(), "expired: "+domain.Expired().Message; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got := domain.Invalid("n", "%d of %s", 3, "x").Message; got != "3 of x" {
		t.Errorf("Invalid's message is %q", got)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := map[fmt.Stringer]string{
		domain.TypeInvalid: "invalid", domain.TypeTranscription: "transcription", domain.TypeClassification: "classification",
		domain.TypeAudio: "audio", domain.ChallengeType(99): "invalid",
		domain.RoleInvalid: "invalid", domain.RoleKnown: "known", domain.RoleUnknown: "unknown", domain.RoleSentinel: "sentinel", domain.Role(99): "invalid",
		domain.TrustNone: "none", domain.TrustImported: "imported", domain.TrustPromoted: "promoted", domain.Trust(99): "none",
		domain.StatusNone: "none", domain.StatusCreated: "created", domain.StatusValidated: "validated", domain.StatusRejected: "rejected", domain.Status(99): "none",
		domain.CodeInternal: "internal", domain.CodeInvalid: "invalid", domain.CodeNotFound: "not-found", domain.CodeConflict: "conflict",
		domain.CodeAlreadyAnswered: "already-answered", domain.CodeExpired: "expired", domain.CodeLimited: "limited",
		domain.CodeUnavailable: "unavailable", domain.Code(99): "internal",
	}
	for value, want := range tests {
		if got := value.String(); got != want {
			t.Errorf("%T %d prints as %q, want %q", value, value, got, want)
		}
	}
}

func TestParseNames(t *testing.T) {
	t.Parallel()
	for _, want := range []domain.ChallengeType{domain.TypeTranscription, domain.TypeClassification, domain.TypeAudio} {
		if got, err := domain.ParseChallengeType(want.String()); err != nil || got != want {
			t.Errorf("ParseChallengeType(%q) = %v, %v", want, got, err)
		}
	}
	for _, want := range []domain.Status{domain.StatusCreated, domain.StatusValidated, domain.StatusRejected} {
		if got, err := domain.ParseStatus(want.String()); err != nil || got != want {
			t.Errorf("ParseStatus(%q) = %v, %v", want, got, err)
		}
	}
	for _, text := range []string{"", "invalid", "none", "Created", "TRANSCRIPTION", "video", " audio"} {
		if got, err := domain.ParseChallengeType(text); domain.CodeOf(err) != domain.CodeInvalid || got != domain.TypeInvalid {
			t.Errorf("ParseChallengeType(%q) = %v, %v", text, got, err)
		}
		if got, err := domain.ParseStatus(text); err == nil || got != domain.StatusNone {
			t.Errorf("ParseStatus(%q) = %v, %v", text, got, err)
		}
	}
}

func TestStatusFinal(t *testing.T) {
	t.Parallel()
	for s, want := range map[domain.Status]bool{
		domain.StatusNone: false, domain.StatusCreated: false, domain.StatusValidated: true, domain.StatusRejected: true, 99: false,
	} {
		if s.Final() != want {
			t.Errorf("%v.Final() = %v", s, !want)
		}
	}
}

func TestEventNames(t *testing.T) {
	t.Parallel()
	// They stand in every archive: a test that fails here is a broken archive.
	if got := (&domain.ChallengeCreated{}).Name(); got != "ChallengeCreated.v1" {
		t.Errorf("ChallengeCreated is stored as %q", got)
	}
	if got := (&domain.ChallengeAnswered{}).Name(); got != "ChallengeAnswered.v1" {
		t.Errorf("ChallengeAnswered is stored as %q", got)
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 999_999_999, time.FixedZone("x", -7200))
	if got, want := domain.Moment(at), time.Date(2026, 1, 2, 5, 4, 5, 999_999_000, time.UTC); got != want {
		t.Errorf("Moment = %v, want %v", got, want)
	}
	if got := domain.Moment(time.Now()); got != domain.Moment(got) {
		t.Errorf("Moment of a moment differs, or keeps the monotonic clock: %v", got)
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	c := domain.Client{ID: "partner", Aliases: []domain.ClientID{"old-name", "older"}}
	for name, want := range map[string]bool{"partner": true, "old-name": true, "older": true, "": false, "Partner": false, "partne": false} {
		if got := c.Named(name); got != want {
			t.Errorf("Named(%q) = %v", name, got)
		}
	}
	dying := domain.Secret{ExpiresAt: morning}
	for name, tt := range map[string]struct {
		secret domain.Secret
		now    time.Time
		want   bool
	}{
		"for ever":   {domain.Secret{}, morning, true},
		"before":     {dying, morning.Add(-1), true},
		"at the end": {dying, morning, false},
		"after":      {dying, morning.Add(1), false},
	} {
		if got := tt.secret.Live(tt.now); got != tt.want {
			t.Errorf("%s: Live = %v", name, got)
		}
	}
}
