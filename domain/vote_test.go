package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
)

var voteTime = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

func votesOn(t domain.ChallengeType, roles ...domain.Role) *domain.ChallengeCreated {
	c := &domain.ChallengeCreated{Header: domain.Header{Challenge: domain.ChallengeID{UUID: domain.UUID{1}}, Client: "site"}, Type: t}
	if t == domain.TypeClassification {
		c.Keyword = "ship"
	}
	for i, r := range roles {
		c.Positions = append(c.Positions, domain.Position{Image: domain.ImageID(rune('a' + i)), Collection: "c", Role: r})
	}
	return c
}

func answerOf(c *domain.ChallengeCreated, verdict domain.Status, a domain.Answer) *domain.ChallengeAnswered {
	return &domain.ChallengeAnswered{Header: domain.Header{Challenge: c.Challenge, Client: c.Client, At: voteTime}, Answer: a, Verdict: verdict}
}

func TestVotesOf(t *testing.T) {
	t.Parallel()
	const k, u, s = domain.RoleKnown, domain.RoleUnknown, domain.RoleSentinel
	typed, tiles := votesOn(domain.TypeTranscription, k, u, s), votesOn(domain.TypeClassification, u, k, k, s)
	heard := "heard"
	mask := domain.VotePattern{Kind: domain.PatternSelection, Selected: 0b0011, Positions: 4}
	vote := func(c *domain.ChallengeCreated, n int, v domain.Vote) domain.Vote {
		v.Challenge, v.Client, v.At, v.Type, v.Keyword, v.Position = c.Challenge, "site", voteTime, c.Type, c.Keyword, n
		v.Image, v.Collection, v.Role = c.Positions[n].Image, "c", c.Positions[n].Role
		return v
	}
	for name, tt := range map[string]struct {
		c    *domain.ChallengeCreated
		a    *domain.ChallengeAnswered
		want []domain.Vote
	}{
		"texts": {typed, answerOf(typed, domain.StatusValidated, domain.Answer{Texts: []string{"x", "Äpfel!", "b"}}), []domain.Vote{
			vote(typed, 1, domain.Vote{Kind: domain.VoteText, Text: "Äpfel!", Validated: true, Pattern: domain.VotePattern{Kind: domain.PatternText, Text: "apfel"}}),
			vote(typed, 2, domain.Vote{Kind: domain.VoteText, Text: "b", Validated: true, Pattern: domain.VotePattern{Kind: domain.PatternText, Text: "b"}}),
		}},
		"unreadable": {typed, answerOf(typed, domain.StatusRejected, domain.Answer{Texts: []string{"x", "", "b"}, Unreadable: []uint32{1}}), []domain.Vote{
			vote(typed, 1, domain.Vote{Kind: domain.VoteUnreadable}),
			vote(typed, 2, domain.Vote{Kind: domain.VoteText, Text: "b", Pattern: domain.TextPattern("b")}),
		}},
		"tiles": {tiles, answerOf(tiles, domain.StatusRejected, domain.Answer{Selected: []uint32{1, 0}}), []domain.Vote{
			vote(tiles, 0, domain.Vote{Kind: domain.VoteFor, Pattern: mask}), vote(tiles, 3, domain.Vote{Kind: domain.VoteAgainst, Pattern: mask}),
		}},
		"another challenge's": {typed, answerOf(&domain.ChallengeCreated{Header: domain.Header{Client: "site"}}, domain.StatusValidated, domain.Answer{Texts: []string{"x", "y", "z"}}), nil},
		"too few texts":       {typed, answerOf(typed, domain.StatusRejected, domain.Answer{Texts: []string{"x"}}), nil},
		"audio":               {votesOn(domain.TypeAudio, k), answerOf(votesOn(domain.TypeAudio, k), domain.StatusValidated, domain.Answer{Text: &heard}), nil},
	} {
		if diff := cmp.Diff(tt.want, domain.VotesOf(tt.c, tt.a)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestExclusionCovers(t *testing.T) {
	t.Parallel()
	v := domain.Vote{Client: "site", At: voteTime, Pattern: domain.TextPattern("der")}
	for name, tt := range map[string]struct {
		e    domain.Exclusion
		want bool
	}{
		"everything":           {domain.Exclusion{}, true},
		"its pattern":          {domain.Exclusion{Pattern: domain.TextPattern("DER,")}, true},
		"another text":         {domain.Exclusion{Pattern: domain.TextPattern("dem")}, false},
		"a selection":          {domain.Exclusion{Pattern: domain.SelectionPattern(nil, 9)}, false},
		"its client":           {domain.Exclusion{Client: "site"}, true},
		"another client":       {domain.Exclusion{Client: "other"}, false},
		"from its moment":      {domain.Exclusion{From: voteTime}, true},
		"from after it":        {domain.Exclusion{From: voteTime.Add(1)}, false},
		"to its moment":        {domain.Exclusion{To: voteTime}, false},
		"to just after it":     {domain.Exclusion{To: voteTime.Add(1)}, true},
		"all of that":          {domain.Exclusion{From: voteTime, To: voteTime.Add(1), Client: "site", Pattern: domain.TextPattern("der")}, true},
		"all but its own time": {domain.Exclusion{From: voteTime.Add(1), Client: "site", Pattern: domain.TextPattern("der")}, false},
	} {
		if got := tt.e.Covers(&v); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPatternString(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]domain.VotePattern{
		`the text "apfel"`:   domain.TextPattern("Äpfel"),
		"0,8 selected of 9":  domain.SelectionPattern([]uint32{8, 0}, 9),
		"none selected of 4": domain.SelectionPattern(nil, 4),
		"any vote":           {},
		"35 selected of 36":  domain.SelectionPattern([]uint32{35}, 36),
	} {
		if p.String() != want {
			t.Errorf("%q, want %q", p, want)
		}
	}
	if p := domain.SelectionPattern([]uint32{9}, 9); p != (domain.VotePattern{}) {
		t.Errorf("a selection out of range is the pattern %v", p)
	}
}

func TestDecideQuarantine(t *testing.T) {
	t.Parallel()
	id, event := domain.QuarantineID{UUID: domain.UUID{7}}, domain.EventID{UUID: domain.UUID{9}}
	good := domain.QuarantineVotes{
		Quarantine: id, Reason: "a flood",
		Votes: domain.Exclusion{From: voteTime.Add(-time.Hour), To: voteTime, Client: "site", Pattern: domain.TextPattern("qq")},
	}
	made, err := domain.DecideQuarantine(domain.Quarantine{}, good, voteTime, event)
	if err != nil {
		t.Fatal(err)
	}
	v := made.(*domain.VotesQuarantined) //nolint:forcetypeassert // it panics, as it should
	if v.Quarantine() != id || v.ID != event || !v.At.Equal(voteTime) || v.Exclusion() != good.Votes || v.Reason != "a flood" || v.Name() != "VotesQuarantined.v1" {
		t.Errorf("the event is %+v", v)
	}
	inForce := domain.EvolveQuarantine(domain.Quarantine{}, made)
	lifting, err := domain.DecideQuarantine(inForce, domain.LiftQuarantine{Quarantine: id, Reason: "no flood"}, voteTime, event)
	if err != nil || lifting.Name() != "QuarantineLifted.v1" {
		t.Fatal(lifting, err)
	}
	lifted := domain.EvolveQuarantine(inForce, lifting)
	if !inForce.InForce() || lifted.InForce() || lifted.Votes != inForce.Votes {
		t.Errorf("in force %v, then lifted %v", inForce.InForce(), lifted.InForce())
	}
	for _, later := range []domain.Event{made, lifting, votesOn(domain.TypeTranscription)} {
		if now := domain.EvolveQuarantine(lifted, later); now != lifted {
			t.Errorf("%s changes a quarantine that is lifted", later.Name())
		}
	}
	change := func(do func(c *domain.QuarantineVotes)) domain.QuarantineVotes {
		c := good
		do(&c)
		return c
	}
	for name, tt := range map[string]struct {
		state domain.Quarantine
		cmd   domain.QuarantineCommand
		want  domain.Code
	}{
		"there already":     {inForce, good, domain.CodeConflict},
		"lifted, and again": {lifted, good, domain.CodeConflict},
		"no beginning":      {domain.Quarantine{}, change(func(c *domain.QuarantineVotes) { c.Votes.From = time.Time{} }), domain.CodeInvalid},
		"no end":            {domain.Quarantine{}, change(func(c *domain.QuarantineVotes) { c.Votes.To = time.Time{} }), domain.CodeInvalid},
		"backwards":         {domain.Quarantine{}, change(func(c *domain.QuarantineVotes) { c.Votes.To = c.Votes.From }), domain.CodeInvalid},
		"no reason":         {domain.Quarantine{}, change(func(c *domain.QuarantineVotes) { c.Reason = "  " }), domain.CodeInvalid},
		"a long reason":     {domain.Quarantine{}, change(func(c *domain.QuarantineVotes) { c.Reason = strings.Repeat("x", 501) }), domain.CodeInvalid},
		"no kind":           {domain.Quarantine{}, change(func(c *domain.QuarantineVotes) { c.Votes.Pattern.Kind = 9 }), domain.CodeInvalid},
		"lift nothing":      {domain.Quarantine{}, domain.LiftQuarantine{Quarantine: id, Reason: "r"}, domain.CodeNotFound},
		"lift twice":        {lifted, domain.LiftQuarantine{Quarantine: id, Reason: "r"}, domain.CodeConflict},
		"lift for nothing":  {inForce, domain.LiftQuarantine{Quarantine: id}, domain.CodeInvalid},
	} {
		if e, err := domain.DecideQuarantine(tt.state, tt.cmd, voteTime, event); domain.CodeOf(err) != tt.want || e != nil {
			t.Errorf("%s: %v, %v", name, e, err)
		}
	}
}

func TestQuarantines(t *testing.T) {
	t.Parallel()
	made := func(n byte, client domain.ClientID, text string) *domain.VotesQuarantined {
		return &domain.VotesQuarantined{
			Header: domain.Header{Challenge: domain.ChallengeID{UUID: domain.UUID{n}}, Client: client}, Pattern: domain.TextPattern(text),
			From: voteTime.Add(-time.Hour), To: voteTime.Add(time.Hour),
		}
	}
	vote := func(client domain.ClientID, text string) *domain.Vote {
		return &domain.Vote{Client: client, At: voteTime, Pattern: domain.TextPattern(text)}
	}
	var q domain.Quarantines
	if q.SetAside(vote("site", "qq")) {
		t.Error("without quarantines a vote is set aside")
	}
	first, second := made(1, "site", "qq"), made(2, "", "ww")
	for _, e := range []domain.Event{&domain.QuarantineLifted{Header: first.Header}, first, second, first, votesOn(domain.TypeTranscription)} {
		q.Apply(e)
	}
	if !q.SetAside(vote("site", "qq")) || q.SetAside(vote("other", "qq")) || !q.SetAside(vote("other", "ww")) {
		t.Error("other votes are set aside than were said")
	}
	q.Apply(&domain.QuarantineLifted{Header: first.Header})
	if q.SetAside(vote("site", "qq")) || !q.SetAside(vote("site", "ww")) {
		t.Error("lifting one changes another, or nothing")
	}
	if of := q.Of(domain.TextPattern("ww")); len(of) != 1 || of[0].Votes != second {
		t.Errorf("those of one text are %+v", of)
	}
	all := made(3, "site", "")
	all.Pattern = domain.VotePattern{}
	q.Apply(all)
	if !q.SetAside(vote("site", "other")) || !q.SetAside(&domain.Vote{Client: "site", At: voteTime, Kind: domain.VoteUnreadable}) || q.SetAside(vote("other", "other")) {
		t.Error("a quarantine of all votes sets others aside")
	}
	if len(q.All()) != 3 || q.Get(first.Quarantine()).InForce() || !q.Get(second.Quarantine()).InForce() || q.Get(domain.QuarantineID{}).Votes != nil {
		t.Errorf("the quarantines are %+v", q.All())
	}
}

func TestParsePattern(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]domain.VotePattern{
		"text:Äpfel":     domain.TextPattern("apfel"),
		"text:":          domain.TextPattern(""),
		"text:a:b":       domain.TextPattern("ab"),
		"selected:0,8/9": domain.SelectionPattern([]uint32{0, 8}, 9),
		"selected:/4":    domain.SelectionPattern(nil, 4),
	} {
		if got, err := domain.ParsePattern(s); err != nil || got != want {
			t.Errorf("%q is %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "der", "selected:", "selected:0", "selected:9/9", "selected:-1/9", "selected:0,/9", "selected:0/37", "selected:0/0", "selected:a/9"} {
		if got, err := domain.ParsePattern(s); domain.CodeOf(err) != domain.CodeInvalid || got != (domain.VotePattern{}) {
			t.Errorf("%q is %+v, %v", s, got, err)
		}
	}
}
