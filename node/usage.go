package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ocapi/domain"
	apihttp "ocapi/http"
	"ocapi/projections"
	"ocapi/usage"
)

const (
	// usageEvery is how often counts go into the database: what is lost when the
	// process is killed.
	usageEvery = time.Minute
	// usagePatience bounds one such write.
	usagePatience = 10 * time.Second
	// usageFinish bounds the last one, when stopping.
	usageFinish = 5 * time.Second
)

// usageKeeper puts into the database what is counted here.
type usageKeeper struct {
	*usage.Counter
	store  *usage.Store
	logger *slog.Logger
	now    func() time.Time
	forgot usage.Date // the last day on which old counts were removed
}

func newUsageKeeper(store *usage.Store, logger *slog.Logger, now func() time.Time) *usageKeeper {
	return &usageKeeper{Counter: usage.NewCounter(now), store: store, logger: logger, now: now}
}

// run writes now and then, until ctx ends.
func (k *usageKeeper) run(ctx context.Context) {
	failing := false
	for sleep(ctx, usageEvery) {
		err := k.put(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			k.logger.Warn("the counts of look-ups and refusals cannot be stored; they are kept until they can", "error", err)
		}
		failing = err != nil
	}
}

func (k *usageKeeper) put(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, usagePatience)
	defer cancel()
	if err := k.Flush(ctx, k.store); err != nil {
		return err
	}
	today := usage.DateOf(k.now())
	if k.forgot == today {
		return nil
	}
	if err := k.store.Forget(ctx, today-projections.DaysKept); err != nil {
		return err
	}
	k.forgot = today
	return nil
}

// finish writes a last time, when no request comes any more.
func (k *usageKeeper) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), usageFinish)
	defer cancel()
	if err := k.Flush(ctx, k.store); err != nil {
		k.logger.Warn("the last counts of look-ups and refusals are lost", "error", err)
	}
}

// countedChallenges counts what becomes of requests and leaves no event. It is
// the service's own answer, not the caller's: one that hangs up counts.
type countedChallenges struct {
	apihttp.Challenges
	counter *usage.Counter
}

var _ apihttp.Challenges = countedChallenges{}

// Issue implements [apihttp.Challenges].
func (c countedChallenges) Issue(ctx context.Context, client *domain.Client, wanted domain.Request) (domain.ChallengeView, error) {
	view, err := c.Challenges.Issue(ctx, client, wanted)
	c.failed(client, err)
	return view, err
}

// View implements [apihttp.Challenges].
func (c countedChallenges) View(ctx context.Context, client *domain.Client, id domain.ChallengeID) (domain.ChallengeView, error) {
	view, err := c.Challenges.View(ctx, client, id)
	c.failed(client, err)
	return view, err
}

// Answer implements [apihttp.Challenges].
func (c countedChallenges) Answer(ctx context.Context, client *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
	outcome, err := c.Challenges.Answer(ctx, client, id, a)
	c.failed(client, err)
	return outcome, err
}

// Picture implements [apihttp.Challenges].
func (c countedChallenges) Picture(ctx context.Context, client *domain.Client, id domain.ChallengeID, position int) (domain.Picture, error) {
	picture, err := c.Challenges.Picture(ctx, client, id, position)
	c.failed(client, err)
	return picture, err
}

// Sound implements [apihttp.Challenges].
func (c countedChallenges) Sound(ctx context.Context, client *domain.Client, id domain.ChallengeID, slow bool) (domain.Sound, error) {
	sound, err := c.Challenges.Sound(ctx, client, id, slow)
	c.failed(client, err)
	return sound, err
}

// Status implements [apihttp.Challenges].
func (c countedChallenges) Status(ctx context.Context, client *domain.Client, id domain.ChallengeID) (domain.Status, error) {
	status, err := c.Challenges.Status(ctx, client, id)
	var more usage.Counts
	switch {
	case domain.CodeOf(err) == domain.CodeUnavailable:
		more.ChecksFailed = 1
	case err != nil:
		return status, err // nobody's challenge
	case status == domain.StatusValidated:
		more.CheckedValidated = 1
	case status == domain.StatusRejected:
		more.CheckedRejected = 1
	default:
		more.CheckedCreated = 1
	}
	c.add(client, more)
	return status, err
}

// Consume implements [apihttp.Challenges]. A verdict that was consumed before
// counts as one that was refused.
func (c countedChallenges) Consume(ctx context.Context, client *domain.Client, id domain.ChallengeID, key domain.IdempotencyKey) (domain.Consumption, error) {
	consumed, err := c.Challenges.Consume(ctx, client, id, key)
	if err != nil {
		if domain.CodeOf(err) == domain.CodeUnavailable {
			c.add(client, usage.Counts{ChecksFailed: 1})
		}
		return consumed, err
	}
	switch consumed.Outcome {
	case domain.ConsumptionDone:
		c.add(client, usage.Counts{CheckedValidated: 1})
	case domain.ConsumptionRejected, domain.ConsumptionSpent:
		c.add(client, usage.Counts{CheckedRejected: 1})
	case domain.ConsumptionPending, domain.ConsumptionExpired:
		c.add(client, usage.Counts{CheckedCreated: 1})
	case domain.ConsumptionUnknown, domain.ConsumptionInvalid: // nobody's challenge
	}
	return consumed, nil
}

// add counts for a client that is nobody's rehearsal.
func (c countedChallenges) add(client *domain.Client, more usage.Counts) {
	if client.Rehearsal == domain.StatusNone {
		c.counter.Add(client.ID, more)
	}
}

// failed counts a browser's request that was not served.
func (c countedChallenges) failed(client *domain.Client, err error) {
	if err == nil {
		return
	}
	var more usage.Counts
	switch domain.CodeOf(err) {
	case domain.CodeUnavailable:
		more.Failed = 1
	case domain.CodeLimited:
		if e, ok := errors.AsType[*domain.Error](err); ok && e.Work != nil {
			more.Asked = 1
		} else {
			more.Limited = 1
		}
	default:
		return
	}
	c.add(client, more)
}
