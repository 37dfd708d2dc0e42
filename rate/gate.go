package rate

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync/atomic"
	"time"

	"ocapi/domain"
)

// GateParams says what a [Gate] is made of. All fields are needed.
type GateParams struct {
	Limiter *Limiter
	Puzzles *Puzzles
	// Issued reports whether a challenge is known to be in the log. It has to
	// answer at once.
	Issued func(domain.ChallengeID) bool
	Logger *slog.Logger
	Now    func() time.Time
}

// Gate decides whether a challenge may be issued, by the limiter's buckets and
// the proofs of work that it asks for. It is safe for concurrent use.
type Gate struct {
	limiter *Limiter
	puzzles *Puzzles
	issued  func(domain.ChallengeID) bool
	logger  *slog.Logger
	now     func() time.Time
	// own are the challenges that were let in here and have not been seen in the
	// log yet: they have been charged.
	own       *recent[domain.ChallengeID]
	decisions [outcomeCount][scopeCount]atomic.Int64
}

const (
	// ownLife is far longer than a creation takes to come back from the log.
	ownLife = 10 * time.Minute
	// ownMost bounds them should the log be away: about 10 MB.
	ownMost = 1 << 17
	// busyWait is what visitors wait for whom no question could be made.
	busyWait = time.Second
)

// NewGate makes a gate.
func NewGate(p GateParams) *Gate {
	return &Gate{
		limiter: p.Limiter, puzzles: p.Puzzles, issued: p.Issued, logger: p.Logger, now: p.Now,
		own: newRecent[domain.ChallengeID](ownLife, ownMost, p.Now()),
	}
}

// Admit decides about one more challenge for a client and gives the identifier
// under which it has to be created: with a proof of work, that of the one
// challenge that the proof lets in; if that exists already (CodeConflict of
// the log), the proof has been used on another node. Otherwise it is drawn.
//
// The error is a [domain.Error] of CodeLimited with RetryAfter, and with Work
// where the visitor can have a challenge at once for it.
func (g *Gate) Admit(ctx context.Context, client domain.ClientID, wanted domain.Request) (domain.ChallengeID, error) {
	now := g.now()
	d := Demand{Client: client, Audio: wanted.Type == domain.TypeAudio}
	p, flaw := g.judge(d, wanted.Proof, now)
	if flaw == "" && wanted.Proof != "" {
		d.Step = p.step
	}
	decision := g.limiter.Take(d, now)
	if d.Step > 0 && decision.Outcome != OutcomeProven {
		g.puzzles.spent.remove(p.nonce) // it can be used yet
	}
	switch decision.Outcome {
	case OutcomeFree:
		g.count(OutcomeFree, decision.Scope)
		id := randomID(now)
		g.own.add(id, now)
		return id, nil
	case OutcomeProven:
		g.count(OutcomeProven, decision.Scope)
		g.own.add(p.challenge, now)
		return p.challenge, nil
	default:
		return domain.ChallengeID{}, g.refuse(ctx, d, decision, wanted, flaw)
	}
}

// judge looks at a proof and takes a good one for this request: nobody else
// can use it meanwhile.
func (g *Gate) judge(d Demand, solution string, now time.Time) (proof, Flaw) {
	if solution == "" {
		return proof{}, ""
	}
	p, flaw := g.puzzles.judge(d, solution, now)
	switch {
	case flaw != "":
		return proof{}, flaw
	case g.issued(p.challenge) || !g.puzzles.spent.add(p.nonce, now):
		return proof{}, FlawUsed
	}
	return p, ""
}

const (
	messageLimited = "too many challenges have been asked for; wait a moment"
	messageAsked   = "too many challenges have been asked for; a proof of work lets you in at once"
	messageMore    = "more work has become necessary since the proof of work was asked for"
	messageHard    = "too many challenges have been asked for, even with a proof of work; wait a moment"
)

// refuse makes the error of a refusal, with a question where there may be one.
func (g *Gate) refuse(ctx context.Context, d Demand, decision Decision, wanted domain.Request, flaw Flaw) error {
	if decision.News {
		g.logger.LogAttrs(ctx, slog.LevelWarn, "more challenges are asked for than are given without a proof of work",
			slog.String("client_id", string(d.Client)), slog.String("limit", decision.Scope.String()))
	}
	e := &domain.Error{Code: domain.CodeLimited, Message: messageLimited, RetryAfter: decision.Wait}
	outcome := decision.Outcome
	switch canProve := wanted.CanProve || wanted.Proof != ""; {
	case flaw != "":
		outcome, e.Message = OutcomeBadProof, string(flaw)
	case outcome == OutcomeHard:
		e.Message = messageHard
	case !canProve:
		outcome = OutcomePlain
	case d.Step > 0:
		outcome, e.Message = OutcomeBadProof, messageMore
	default:
		e.Message = messageAsked
	}
	switch {
	case decision.Outcome == OutcomeHard && (wanted.CanProve || wanted.Proof != ""):
		e.RetryAfter = min(decision.Wait, decision.ProvenWait)
	case outcome == OutcomeAsked || outcome == OutcomeBadProof:
		work, err := g.puzzles.Ask(ctx, Demand{d.Client, d.Audio, decision.Ask}, g.now())
		switch {
		case err != nil:
			return err
		case work == nil:
			e.RetryAfter = min(e.RetryAfter, busyWait)
			if outcome == OutcomeAsked {
				outcome, e.Message = OutcomePlain, messageLimited
			}
		default:
			e.Work = work
		}
	}
	g.count(outcome, decision.Scope)
	return e
}

// Observe takes in an event of the log: what other nodes have created, or this
// one before it was started, is charged here too; and what becomes of all of it
// tells how the client's challenges are taken.
func (g *Gate) Observe(r domain.Record) {
	now := g.now()
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		g.limiter.Issued(e.Client, e.At, now)
		if !g.own.remove(e.Challenge) {
			g.limiter.Charge(Demand{Client: e.Client, Audio: e.Type == domain.TypeAudio}, e.At, now)
		}
	case *domain.ChallengeAnswered:
		g.limiter.Answered(e.Client, e.At, now)
	}
}

func (g *Gate) count(o Outcome, s Scope) { g.decisions[o][s].Add(1) }

// randomID draws the identifier of a challenge made now, a UUIDv7.
func randomID(now time.Time) domain.ChallengeID {
	var random [domain.RandomBytes]byte
	_, _ = rand.Read(random[:]) // documented never to fail
	return domain.ChallengeID{UUID: domain.UUIDv7(now, random)}
}
