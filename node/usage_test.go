package node

import (
	"context"
	"errors"
	"testing"
	"time"

	"ocapi/domain"
	apihttp "ocapi/http"
	"ocapi/usage"
)

// answering gives the same answer to every call.
type answering struct {
	apihttp.Challenges
	err     error
	status  domain.Status
	outcome domain.ConsumptionOutcome
}

func (a answering) Issue(context.Context, *domain.Client, domain.Request) (domain.ChallengeView, error) {
	return domain.ChallengeView{}, a.err
}

func (a answering) View(context.Context, *domain.Client, domain.ChallengeID) (domain.ChallengeView, error) {
	return domain.ChallengeView{}, a.err
}

func (a answering) Answer(context.Context, *domain.Client, domain.ChallengeID, domain.Answer) (domain.AnswerOutcome, error) {
	return domain.AnswerOutcome{}, a.err
}

func (a answering) Picture(context.Context, *domain.Client, domain.ChallengeID, int) (domain.Picture, error) {
	return domain.Picture{}, a.err
}

func (a answering) Sound(context.Context, *domain.Client, domain.ChallengeID, bool) (domain.Sound, error) {
	return domain.Sound{}, a.err
}

func (a answering) Status(context.Context, *domain.Client, domain.ChallengeID) (domain.Status, error) {
	return a.status, a.err
}

func (a answering) Consume(context.Context, *domain.Client, domain.ChallengeID, domain.IdempotencyKey) (domain.Consumption, error) {
	return domain.Consumption{Outcome: a.outcome}, a.err
}

// TestWhatLeavesNoEventIsCounted makes every call with every answer.
func TestWhatLeavesNoEventIsCounted(t *testing.T) {
	t.Parallel()
	down := domain.Unavailable("it is down", nil)
	waits := &domain.Error{Code: domain.CodeLimited}
	asked := &domain.Error{Code: domain.CodeLimited, Work: &domain.Work{}}
	// What the browser's calls, the look-up and the consumption count.
	for name, tt := range map[string]struct {
		answer                    answering
		browser, lookup, consumed usage.Counts
	}{
		"down":      {answering{err: down}, usage.Counts{Failed: 1}, usage.Counts{ChecksFailed: 1}, usage.Counts{ChecksFailed: 1}},
		"limited":   {answering{err: waits}, usage.Counts{Limited: 1}, usage.Counts{}, usage.Counts{}},
		"asked":     {answering{err: asked}, usage.Counts{Asked: 1}, usage.Counts{}, usage.Counts{}},
		"not found": {answering{err: domain.NotFound("none")}, usage.Counts{}, usage.Counts{}, usage.Counts{}},
		"internal":  {answering{err: errors.New("a mistake")}, usage.Counts{}, usage.Counts{}, usage.Counts{}},
		"validated": {answering{status: domain.StatusValidated, outcome: domain.ConsumptionDone}, usage.Counts{}, usage.Counts{CheckedValidated: 1}, usage.Counts{CheckedValidated: 1}},
		"rejected":  {answering{status: domain.StatusRejected, outcome: domain.ConsumptionRejected}, usage.Counts{}, usage.Counts{CheckedRejected: 1}, usage.Counts{CheckedRejected: 1}},
		"created":   {answering{status: domain.StatusCreated, outcome: domain.ConsumptionPending}, usage.Counts{}, usage.Counts{CheckedCreated: 1}, usage.Counts{CheckedCreated: 1}},
		"spent":     {answering{status: domain.StatusValidated, outcome: domain.ConsumptionSpent}, usage.Counts{}, usage.Counts{CheckedValidated: 1}, usage.Counts{CheckedRejected: 1}},
		"expired":   {answering{status: domain.StatusCreated, outcome: domain.ConsumptionExpired}, usage.Counts{}, usage.Counts{CheckedCreated: 1}, usage.Counts{CheckedCreated: 1}},
		"unknown":   {answering{status: domain.StatusCreated, outcome: domain.ConsumptionUnknown}, usage.Counts{}, usage.Counts{CheckedCreated: 1}, usage.Counts{}},
	} {
		client, rehearsal := &domain.Client{ID: "site"}, &domain.Client{ID: "test", Rehearsal: domain.StatusValidated}
		var id domain.ChallengeID
		for call, c := range map[string]struct {
			do   func(apihttp.Challenges, *domain.Client) error
			want usage.Counts
		}{
			"Issue": {func(c apihttp.Challenges, who *domain.Client) error {
				_, err := c.Issue(t.Context(), who, domain.Request{})
				return err
			}, tt.browser},
			"View": {func(c apihttp.Challenges, who *domain.Client) error {
				_, err := c.View(t.Context(), who, id)
				return err
			}, tt.browser},
			"Answer": {func(c apihttp.Challenges, who *domain.Client) error {
				_, err := c.Answer(t.Context(), who, id, domain.Answer{})
				return err
			}, tt.browser},
			"Picture": {func(c apihttp.Challenges, who *domain.Client) error {
				_, err := c.Picture(t.Context(), who, id, 0)
				return err
			}, tt.browser},
			"Sound": {func(c apihttp.Challenges, who *domain.Client) error {
				_, err := c.Sound(t.Context(), who, id, false)
				return err
			}, tt.browser},
			"Status": {func(c apihttp.Challenges, who *domain.Client) error {
				_, err := c.Status(t.Context(), who, id)
				return err
			}, tt.lookup},
			"Consume": {func(c apihttp.Challenges, who *domain.Client) error {
				_, err := c.Consume(t.Context(), who, id, domain.IdempotencyKey{})
				return err
			}, tt.consumed},
		} {
			counter := usage.NewCounter(time.Now)
			counted := countedChallenges{tt.answer, counter}
			for _, who := range []*domain.Client{client, rehearsal} {
				if err := c.do(counted, who); !errors.Is(err, tt.answer.err) {
					t.Errorf("%s, %s: the error is %v", name, call, err)
				}
			}
			var got usage.Counts
			for _, row := range counter.Pending("") {
				if row.Client != client.ID {
					t.Errorf("%s, %s: the client %s is counted", name, call, row.Client)
				}
				got = got.Plus(row.Counts)
			}
			if got != c.want {
				t.Errorf("%s, %s counts %+v, want %+v", name, call, got, c.want)
			}
		}
	}
}
