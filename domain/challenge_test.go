package domain_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ocapi/domain"
)

var morning = time.Date(2026, 3, 14, 9, 26, 53, 589_793_000, time.UTC)

func challengeID(n uint64) domain.ChallengeID {
	var id domain.ChallengeID
	binary.BigEndian.PutUint64(id.UUID[8:], n)
	id.UUID[6] = 0x40
	return id
}

func eventID(n uint64) domain.EventID {
	var id domain.EventID
	binary.BigEndian.PutUint64(id.UUID[8:], n)
	id.UUID[6] = 0x70
	return id
}

// halfKnown is a composition that is answered by "lande" at position 0.
func halfKnown() domain.Composition {
	return domain.Composition{
		Type: domain.TypeTranscription, Credit: "City Archive",
		Positions: []domain.Position{text(domain.RoleKnown, "lande"), text(domain.RoleUnknown, "wasser")},
		Mix:       domain.Mix{Texts: 1, Unknown: 1},
	}
}

func answered(text string) domain.Answer { return domain.Answer{Texts: []string{text, "x"}} }

// issued gives a challenge that was created in the morning for the client
// "partner".
func issued(t *testing.T) domain.Challenge {
	t.Helper()
	e, err := domain.Decide(domain.Challenge{}, domain.IssueChallenge{Challenge: challengeID(1), Client: "partner", Composition: halfKnown()}, morning, eventID(1))
	if err != nil {
		t.Fatal(err)
	}
	return domain.Evolve(domain.Challenge{}, e)
}

func judged(t *testing.T, text string) domain.Challenge {
	t.Helper()
	c := issued(t)
	e, err := domain.Decide(c, domain.AnswerChallenge{Challenge: challengeID(1), Client: "partner", Answer: answered(text)}, morning.Add(time.Minute), eventID(2))
	if err != nil {
		t.Fatal(err)
	}
	return domain.Evolve(c, e)
}

func TestDecideIssue(t *testing.T) {
	t.Parallel()
	elsewhere := time.FixedZone("elsewhere", 3600)
	now := morning.Add(999 * time.Nanosecond).In(elsewhere)
	c := halfKnown()
	c.Keyword, c.WhollyKnown = "", false
	got, err := domain.Decide(domain.Challenge{}, domain.IssueChallenge{Challenge: challengeID(1), Client: "partner", Composition: c}, now, eventID(1))
	if err != nil {
		t.Fatal(err)
	}
	want := &domain.ChallengeCreated{
		Header: domain.Header{ID: eventID(1), Challenge: challengeID(1), Client: "partner", At: morning},
		Type:   domain.TypeTranscription, Credit: "City Archive", Positions: c.Positions, Mix: c.Mix,
		ExpiresAt: morning.Add(20 * time.Minute),
	}
	if diff := cmp.Diff(domain.Event(want), got); diff != "" {
		t.Errorf("the event differs (-want +got):\n%s", diff)
	}
	if at := got.Head().At; at.Location() != time.UTC {
		t.Errorf("the event's time is in %v", at.Location())
	}
}

func TestDecideIssueRefuses(t *testing.T) {
	t.Parallel()
	known, unknown, match := text(domain.RoleKnown, "a"), text(domain.RoleUnknown, "b"), picture("c", domain.RoleKnown, true)
	with := func(change func(*domain.Composition)) domain.Composition {
		c := halfKnown()
		change(&c)
		return c
	}
	tests := map[string]domain.Composition{
		"no type":                   with(func(c *domain.Composition) { c.Type = domain.TypeInvalid }),
		"no positions":              with(func(c *domain.Composition) { c.Positions = nil }),
		"too many positions":        with(func(c *domain.Composition) { c.Positions = make([]domain.Position, domain.MaxPositions+1) }),
		"an image twice":            with(func(c *domain.Composition) { c.Positions = []domain.Position{known, known} }),
		"a position without a role": with(func(c *domain.Composition) { c.Positions = []domain.Position{known, {Image: "x"}} }),
		"known without an answer": with(func(c *domain.Composition) {
			c.Positions = []domain.Position{known, {Image: "x", Role: domain.RoleKnown}}
		}),
		"sentinel without an answer": with(func(c *domain.Composition) {
			c.Positions = []domain.Position{known, {Image: "x", Role: domain.RoleSentinel}}
		}),
		"a picture in a transcription": with(func(c *domain.Composition) { c.Positions = []domain.Position{match, unknown} }),
		"a text in a classification": with(func(c *domain.Composition) {
			c.Type, c.Positions = domain.TypeClassification, []domain.Position{match, known}
		}),
		"less than half known": with(func(c *domain.Composition) {
			c.Positions = []domain.Position{known, unknown, text(domain.RoleSentinel, "s")}
		}),
		"wholly known with an unknown": with(func(c *domain.Composition) { c.WhollyKnown = true }),
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := domain.Decide(domain.Challenge{}, domain.IssueChallenge{Challenge: challengeID(1), Client: "partner", Composition: c}, morning, eventID(1))
			if e != nil || domain.CodeOf(err) != domain.CodeInvalid {
				t.Errorf("got %v and %v, want CodeInvalid", e, err)
			}
		})
	}
	t.Run("it exists already", func(t *testing.T) {
		t.Parallel()
		for _, c := range []domain.Challenge{issued(t), judged(t, "lande")} {
			e, err := domain.Decide(c, domain.IssueChallenge{Challenge: challengeID(1), Client: "partner", Composition: halfKnown()}, morning, eventID(3))
			if e != nil || domain.CodeOf(err) != domain.CodeConflict {
				t.Errorf("got %v and %v, want CodeConflict", e, err)
			}
		}
	})
}

func TestDecideAnswer(t *testing.T) {
	t.Parallel()
	open, validated, rejected := issued(t), judged(t, "lande"), judged(t, "berg")
	end := open.Created.ExpiresAt
	const none = domain.StatusNone
	tests := map[string]struct {
		challenge domain.Challenge
		client    domain.ClientID
		id        domain.ChallengeID
		answer    domain.Answer
		now       time.Time
		want      domain.Status // the verdict, or the status told with CodeAlreadyAnswered
		code      domain.Code   // zero: a verdict
	}{
		"right":                             {open, "partner", challengeID(1), answered("lande"), morning, domain.StatusValidated, 0},
		"wrong":                             {open, "partner", challengeID(1), answered("berg"), morning, domain.StatusRejected, 0},
		"before it was made (clocks)":       {open, "partner", challengeID(1), answered("lande"), morning.Add(-time.Second), domain.StatusValidated, 0},
		"in the last moment":                {open, "partner", challengeID(1), answered("lande"), end.Add(-time.Nanosecond), domain.StatusValidated, 0},
		"at the end":                        {open, "partner", challengeID(1), answered("lande"), end, none, domain.CodeExpired},
		"after the end":                     {open, "partner", challengeID(1), answered("lande"), end.Add(time.Hour), none, domain.CodeExpired},
		"malformed":                         {open, "partner", challengeID(1), domain.Answer{}, morning, none, domain.CodeInvalid},
		"malformed and expired":             {open, "partner", challengeID(1), domain.Answer{}, end, none, domain.CodeExpired},
		"another client's":                  {open, "other", challengeID(1), answered("lande"), morning, none, domain.CodeNotFound},
		"another client's, expired":         {open, "other", challengeID(1), domain.Answer{}, end, none, domain.CodeNotFound},
		"another client's, judged":          {validated, "other", challengeID(1), answered("lande"), morning, none, domain.CodeNotFound},
		"another challenge":                 {open, "partner", challengeID(2), answered("lande"), morning, none, domain.CodeNotFound},
		"of nothing":                        {domain.Challenge{}, "partner", challengeID(1), answered("lande"), morning, none, domain.CodeNotFound},
		"of a state that no events give":    {domain.Challenge{Status: domain.StatusCreated}, "partner", challengeID(1), answered("lande"), morning, none, domain.CodeNotFound},
		"again":                             {validated, "partner", challengeID(1), answered("lande"), morning, domain.StatusValidated, domain.CodeAlreadyAnswered},
		"again after a rejection":           {rejected, "partner", challengeID(1), answered("lande"), morning, domain.StatusRejected, domain.CodeAlreadyAnswered},
		"again, malformed":                  {validated, "partner", challengeID(1), domain.Answer{}, morning, domain.StatusValidated, domain.CodeAlreadyAnswered},
		"again, too late":                   {rejected, "partner", challengeID(1), answered("lande"), end.Add(time.Hour), domain.StatusRejected, domain.CodeAlreadyAnswered},
		"again, malformed and too late":     {validated, "partner", challengeID(1), domain.Answer{}, end, domain.StatusValidated, domain.CodeAlreadyAnswered},
		"nothing at all is asked (no type)": {open, "", domain.ChallengeID{}, domain.Answer{}, time.Time{}, none, domain.CodeNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := tt.challenge
			e, err := domain.Decide(tt.challenge, domain.AnswerChallenge{Challenge: tt.id, Client: tt.client, Answer: tt.answer}, tt.now, eventID(9))
			if diff := cmp.Diff(before, tt.challenge); diff != "" {
				t.Errorf("Decide changed the challenge:\n%s", diff)
			}
			if tt.code != 0 {
				refusal, _ := errors.AsType[*domain.Error](err)
				if e != nil || refusal == nil || refusal.Code != tt.code || refusal.Status != tt.want {
					t.Errorf("got %v and %#v, want %v with the status %v", e, err, tt.code, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := &domain.ChallengeAnswered{
				Header: domain.Header{ID: eventID(9), Challenge: tt.id, Client: tt.client, At: domain.Moment(tt.now)},
				Answer: tt.answer, Verdict: tt.want,
			}
			if diff := cmp.Diff(domain.Event(want), e); diff != "" {
				t.Errorf("the event differs (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("no command", func(t *testing.T) {
		t.Parallel()
		if e, err := domain.Decide(open, nil, morning, eventID(9)); e != nil || domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("got %v and %v", e, err)
		}
	})
}

// strange is an event that this program does not know.
type strange struct{ domain.Header }

func (strange) Name() string { return "ChallengeForgotten.v9" }

func TestEvolve(t *testing.T) {
	t.Parallel()
	none, open, validated, rejected := domain.Challenge{}, issued(t), judged(t, "lande"), judged(t, "berg")
	other := *open.Created
	other.Header.ID = eventID(7)
	verdict := func(id domain.ChallengeID, s domain.Status) *domain.ChallengeAnswered {
		return &domain.ChallengeAnswered{Header: domain.Header{ID: eventID(8), Challenge: id, Client: "partner"}, Verdict: s}
	}
	tests := map[string]struct {
		from  domain.Challenge
		event domain.Event
		want  domain.Challenge
	}{
		"nothing, created":                   {none, open.Created, open},
		"nothing, answered":                  {none, verdict(challengeID(1), domain.StatusValidated), none},
		"created, created again":             {open, &other, open},
		"created, validated":                 {open, validated.Answered, validated},
		"created, rejected":                  {open, rejected.Answered, rejected},
		"created, another one answered":      {open, verdict(challengeID(2), domain.StatusValidated), open},
		"created, answered without verdict":  {open, verdict(challengeID(1), domain.StatusCreated), open},
		"created, answered with nonsense":    {open, verdict(challengeID(1), 77), open},
		"validated, rejected":                {validated, rejected.Answered, validated},
		"rejected, validated":                {rejected, validated.Answered, rejected},
		"validated, created":                 {validated, open.Created, validated},
		"nothing, an event not known":        {none, strange{}, none},
		"created, an event not known":        {open, strange{open.Created.Header}, open},
		"validated, an event not known":      {validated, strange{open.Created.Header}, validated},
		"created, no event":                  {open, nil, open},
		"a state that no events give":        {domain.Challenge{Status: domain.StatusCreated}, validated.Answered, domain.Challenge{Status: domain.StatusCreated}},
		"the same for the same, once more":   {open, validated.Answered, validated},
		"the verdict applied a second time":  {validated, validated.Answered, validated},
		"the creation applied a second time": {open, open.Created, open},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, domain.Evolve(tt.from, tt.event)); diff != "" {
				t.Errorf("the challenge differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReplayIsLive sends random commands, well and ill formed, in time and
// late, and holds the live state against the replay of the recorded events.
func TestReplayIsLive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var live domain.Challenge
		var events []domain.Event
		now := morning
		clients := rapid.SampledFrom([]domain.ClientID{"partner", "other"})
		for i := range rapid.IntRange(1, 30).Draw(t, "commands") {
			now = now.Add(time.Duration(rapid.Int64Range(-int64(time.Minute), int64(15*time.Minute)).Draw(t, "later")))
			var cmd domain.Command
			if rapid.IntRange(0, 3).Draw(t, "issue") == 0 {
				c := halfKnown()
				if rapid.IntRange(0, 4).Draw(t, "faulty") == 0 {
					c.Type = domain.TypeInvalid
				}
				cmd = domain.IssueChallenge{Challenge: challengeID(1), Client: clients.Draw(t, "client"), Composition: c}
			} else {
				cmd = domain.AnswerChallenge{
					Challenge: challengeID(rapid.Uint64Range(1, 2).Draw(t, "challenge")), Client: clients.Draw(t, "client"),
					Answer: rapid.SampledFrom([]domain.Answer{answered("lande"), answered("berg"), {}}).Draw(t, "answer"),
				}
			}
			e, err := domain.Decide(live, cmd, now, eventID(uint64(i+1)))
			if (e == nil) == (err == nil) {
				t.Fatalf("Decide gave %v and %v", e, err)
			}
			if err != nil {
				if domain.CodeOf(err) == domain.CodeInternal {
					t.Fatalf("refused without a code: %v", err)
				}
				continue
			}
			before := live
			live = domain.Evolve(live, e)
			if live.Status == before.Status {
				t.Fatalf("%T changed nothing", e)
			}
			events = append(events, e)
		}
		var replayed domain.Challenge
		verdicts := 0
		for _, e := range events {
			replayed = domain.Evolve(replayed, e)
			if _, ok := e.(*domain.ChallengeAnswered); ok {
				verdicts++
			}
		}
		if diff := cmp.Diff(live, replayed); diff != "" {
			t.Fatalf("replay and live state differ:\n%s", diff)
		}
		if verdicts > 1 || len(events) > 2 || live.Status.Final() != (verdicts == 1) {
			t.Fatalf("%d events with %d verdicts give %v", len(events), verdicts, live.Status)
		}
		// A log that holds every event twice, in order, says the same.
		var twice domain.Challenge
		for _, e := range slices.Concat(events, events) {
			twice = domain.Evolve(twice, e)
		}
		if diff := cmp.Diff(live, twice); diff != "" {
			t.Fatalf("a second replay on top changed the state:\n%s", diff)
		}
	})
}
