package node

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/projections"
	"ocapi/rate"
)

// TestStatisticsShrinkWhatIsFree: thousands of challenges that nobody answers
// shrink the client's free limit once they have expired, nobody else's, and not
// for ever.
func TestStatisticsShrinkWhatIsFree(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	f, seq := projections.NewFrequency(), domain.Sequence(0)
	create := func(client domain.ClientID, at time.Time) {
		seq++
		id := domain.UUID{}
		binary.BigEndian.PutUint64(id[:], uint64(seq))
		position := func(n domain.Sequence, role domain.Role) domain.Position {
			return domain.Position{Image: domain.ImageID(fmt.Sprint(role, n%50)), Collection: "drawn", Role: role}
		}
		err := f.Apply(domain.Record{Seq: seq, StoredAt: at, Event: &domain.ChallengeCreated{
			Header: domain.Header{ID: domain.EventID{UUID: id}, Challenge: domain.ChallengeID{UUID: id}, Client: client, At: at},
			Type:   domain.TypeTranscription, Positions: []domain.Position{position(seq, domain.RoleKnown), position(seq, domain.RoleUnknown)},
			ExpiresAt: at.Add(domain.Lifetime),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	limiter, err := rate.NewLimiter(rate.Params{Config: rate.DefaultConfig(), Now: began, Statistics: pressure{f}})
	if err != nil {
		t.Fatal(err)
	}
	free := func(client domain.ClientID, now time.Time) (n int) {
		for limiter.Take(rate.Demand{Client: client}, now).Outcome == rate.OutcomeFree {
			n++
		}
		return n
	}
	for i := range 6000 {
		create("watched", began.Add(time.Duration(i)*10*time.Millisecond))
	}
	if n := free("watched", began.Add(time.Minute)); n != 1000 {
		t.Errorf("while they may be answered yet %d are free; want 1,000", n)
	}
	create("other", began.Add(time.Minute+domain.Lifetime+3*time.Minute)) // the statistics hear the time from events
	later := began.Add(2*time.Minute + domain.Lifetime)
	if n := free("watched", later); n < 50 || n > 60 {
		t.Errorf("when nobody has answered them %d are free; want a twentieth of 1,000", n)
	}
	if n := free("other", later); n != 1000 {
		t.Errorf("of another client %d are free; want 1,000", n)
	}
	create("other", began.Add(12*time.Hour))
	if n := free("watched", began.Add(12*time.Hour)); n != 1000 {
		t.Errorf("half a day later %d are free; want 1,000", n)
	}
}
