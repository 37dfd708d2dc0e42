package challenges_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"ocapi/challenges"
	"ocapi/domain"
)

// readyLog acknowledges at once and keeps nothing.
type readyLog struct{ seq atomic.Uint64 }

func (l *readyLog) Append(_ context.Context, e domain.Event, _ domain.Sequence) (domain.Record, error) {
	return domain.Record{Seq: domain.Sequence(l.seq.Add(1)), Event: e}, nil
}

func (*readyLog) Last(context.Context, domain.ClientID, domain.ChallengeID) (domain.Record, bool, error) {
	return domain.Record{}, false, nil
}

// oneChallenge is a memory that knows one open challenge, whatever it is asked
// for, and learns nothing.
type oneChallenge struct{ created *domain.ChallengeCreated }

func (m oneChallenge) Status(domain.ChallengeID) (domain.ClientID, domain.Status) {
	return m.created.Client, domain.StatusCreated
}

func (m oneChallenge) Created(domain.ChallengeID) (*domain.ChallengeCreated, domain.Sequence, bool) {
	return m.created, 1, true
}

func (oneChallenge) Apply(domain.Record) {}

// openDoor lets everybody in.
type openDoor struct{}

func (openDoor) Admit(context.Context, domain.ClientID, domain.Request) (domain.ChallengeID, error) {
	return domain.ChallengeID{UUID: domain.UUID(uuid.New())}, nil
}

// BenchmarkService measures what issuing and judging cost beside the log: from a
// real dealer, with a log that acknowledges at once.
func BenchmarkService(b *testing.B) {
	corpus := &fakeCorpus{}
	corpus.put("letters", "maps")
	dealer, _ := newDealer(b, corpus)
	if err := dealer.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	composition, err := dealer.Compose(partner, domain.TypeTranscription)
	if err != nil {
		b.Fatal(err)
	}
	created, err := domain.Decide(domain.Challenge{}, domain.IssueChallenge{Client: partner.ID, Composition: composition}, time.Now(), domain.EventID{})
	if err != nil {
		b.Fatal(err)
	}
	memory := oneChallenge{created.(*domain.ChallengeCreated)} //nolint:forcetypeassert // what Decide makes of the command
	log := &readyLog{}
	s := challenges.New(challenges.Config{
		Log: log, Archive: &fakeArchive{}, Memory: memory, Pictures: &fakePictures{}, Limiter: openDoor{}, Composer: dealer,
		Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	right := make([]string, len(composition.Positions))
	for i, p := range composition.Positions {
		if right[i] = p.Expected.Text; right[i] == "" {
			right[i] = "word"
		}
	}
	some := &domain.Client{ID: "some", Collections: []domain.CollectionID{"maps", "letters"}}
	// What a request carries: a server's context, which ends when the caller leaves.
	ctx, cancel := context.WithCancel(context.WithValue(b.Context(), oneChallenge{}, "server"))
	defer cancel()
	for name, do := range map[string]func() error{
		"compose": func() error { _, err := dealer.Compose(partner, domain.TypeInvalid); return err },
		"compose, of a client's own": func() error {
			_, err := dealer.Compose(some, domain.TypeInvalid)
			return err
		},
		"issue": func() error { _, err := s.Issue(ctx, partner, domain.Request{}); return err },
		"answer": func() error {
			_, err := s.Answer(ctx, partner, memory.created.Challenge, domain.Answer{Texts: right})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+", parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := do(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
