package projections_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/projections"
)

var morning = time.Date(2026, 3, 14, 9, 26, 53, 589_793_000, time.UTC)

func challengeID(n uint64) domain.ChallengeID {
	var id domain.ChallengeID
	binary.BigEndian.PutUint64(id.UUID[8:], n)
	return id
}

func created(n uint64, client domain.ClientID, at time.Time) *domain.ChallengeCreated {
	return &domain.ChallengeCreated{
		Header: domain.Header{Challenge: challengeID(n), Client: client, At: at}, ExpiresAt: at.Add(domain.Lifetime),
	}
}

func answered(n uint64, client domain.ClientID, at time.Time, verdict domain.Status) *domain.ChallengeAnswered {
	return &domain.ChallengeAnswered{Header: domain.Header{Challenge: challengeID(n), Client: client, At: at}, Verdict: verdict}
}

type applied struct {
	event domain.Event
	seq   domain.Sequence
}

// strange is an event that this program does not know.
type strange struct{ domain.Header }

func (strange) Name() string { return "ChallengeForgotten.v9" }

func TestStates(t *testing.T) {
	t.Parallel()
	later := morning.Add(time.Minute)
	create := applied{created(1, "partner", morning), 5}
	validate := applied{answered(1, "partner", later, domain.StatusValidated), 9}
	reject := applied{answered(1, "partner", later, domain.StatusRejected), 10}
	consume := applied{&domain.VerdictConsumed{Header: domain.Header{Challenge: challengeID(1), Client: "partner", At: later}}, 11}
	entry := func(s domain.Status, seq domain.Sequence) projections.StateEntry {
		e := projections.StateEntry{Client: "partner", Status: s, CreatedSeq: seq}
		if seq != 0 {
			e.ExpiresAt = morning.Add(domain.Lifetime)
		}
		return e
	}
	tests := map[string]struct {
		events []applied
		want   projections.StateEntry
		found  bool
	}{
		"nothing":                       {nil, projections.StateEntry{}, false},
		"created":                       {[]applied{create}, entry(domain.StatusCreated, 5), true},
		"created twice":                 {[]applied{create, create}, entry(domain.StatusCreated, 5), true},
		"validated":                     {[]applied{create, validate}, entry(domain.StatusValidated, 5), true},
		"rejected":                      {[]applied{create, reject}, entry(domain.StatusRejected, 5), true},
		"validated twice":               {[]applied{create, validate, validate}, entry(domain.StatusValidated, 5), true},
		"validated, then rejected":      {[]applied{create, validate, reject}, entry(domain.StatusValidated, 5), true},
		"rejected, then validated":      {[]applied{create, reject, validate}, entry(domain.StatusRejected, 5), true},
		"created again after a verdict": {[]applied{create, validate, create}, entry(domain.StatusValidated, 5), true},
		"only the verdict":              {[]applied{validate}, entry(domain.StatusValidated, 0), true},
		"the verdict first":             {[]applied{validate, create}, entry(domain.StatusValidated, 5), true},
		"the verdict first, and again":  {[]applied{validate, create, validate}, entry(domain.StatusValidated, 5), true},
		"consumed":                      {[]applied{create, validate, consume}, entry(domain.StatusValidated, 5), true},
		"only the consumption":          {[]applied{consume}, entry(domain.StatusValidated, 0), true},
		"the consumption first":         {[]applied{consume, create}, entry(domain.StatusValidated, 5), true},
		"rejected, then consumed":       {[]applied{create, reject, consume}, entry(domain.StatusRejected, 5), true},
		"an event not known":            {[]applied{{strange{create.event.Head()}, 5}}, projections.StateEntry{}, false},
		"created, an event not known":   {[]applied{create, {strange{create.event.Head()}, 6}}, entry(domain.StatusCreated, 5), true},
		"a verdict that is none":        {[]applied{create, {answered(1, "partner", later, domain.StatusCreated), 6}}, entry(domain.StatusCreated, 5), true},
		"a verdict that is none, alone": {[]applied{{answered(1, "partner", later, domain.StatusNone), 6}}, projections.StateEntry{}, false},
		"another challenge":             {[]applied{{created(2, "partner", morning), 5}}, projections.StateEntry{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := projections.NewStates(time.Hour)
			for _, a := range tt.events {
				s.Apply(a.event, a.seq)
			}
			got, found := s.Get(challengeID(1))
			if diff := cmp.Diff(tt.want, got); diff != "" || found != tt.found {
				t.Errorf("found %v, want %v; the entry differs (-want +got):\n%s", found, tt.found, diff)
			}
		})
	}
}

func TestStatesKeepClientsApart(t *testing.T) {
	t.Parallel()
	s := projections.NewStates(time.Hour)
	for n := range uint64(100) {
		s.Apply(created(n, domain.ClientID(fmt.Sprint("client", n%7)), morning), domain.Sequence(n+1))
	}
	for n := range uint64(100) {
		if e, _ := s.Get(challengeID(n)); e.Client != domain.ClientID(fmt.Sprint("client", n%7)) {
			t.Errorf("challenge %d is %s's", n, e.Client)
		}
	}
	if s.Len() != 100 {
		t.Errorf("Len = %d, want 100", s.Len())
	}
}

// TestStatesForget lets a day pass, an event a minute to every shard, and
// looks when challenges go.
func TestStatesForget(t *testing.T) {
	t.Parallel()
	const retention = 2 * time.Hour
	const perMinute = 100 // enough for every shard to see a few
	s := projections.NewStates(retention)
	most := 0
	for minute := range uint64(24 * 60) {
		now := morning.Add(time.Duration(minute) * time.Minute)
		for i := range uint64(perMinute) {
			s.Apply(created(minute*perMinute+i, "partner", now), domain.Sequence(minute*perMinute+i+1))
		}
		most = max(most, s.Len())
		youngestForgotten, oldestKept := uint64(retention/time.Minute)+1, uint64(retention*5/4/time.Minute)+2
		if minute >= youngestForgotten {
			at := (minute - uint64(retention/time.Minute) + 1) * perMinute
			if _, found := s.Get(challengeID(at)); !found {
				t.Fatalf("after %d minutes a challenge younger than the retention is forgotten", minute)
			}
		}
		if minute >= oldestKept {
			if _, found := s.Get(challengeID((minute - oldestKept) * perMinute)); found {
				t.Fatalf("after %d minutes a challenge of %d minutes is still there", minute, oldestKept)
			}
		}
	}
	if bound := int((retention*5/4/time.Minute)+2) * perMinute; most > bound {
		t.Errorf("up to %d challenges were remembered, more than %d", most, bound)
	}
}

func TestStatesVerdictStaysWithItsCreation(t *testing.T) {
	t.Parallel()
	const retention = 4 * time.Hour
	s := projections.NewStates(retention)
	// The verdict comes two generations after the creation and must replace it,
	// not stand beside it.
	s.Apply(created(1, "partner", morning), 1)
	for hour := 1; hour <= 2; hour++ {
		for n := range uint64(200) {
			s.Apply(created(uint64(hour)*1000+n, "partner", morning.Add(time.Duration(hour)*time.Hour)), 2)
		}
	}
	before := s.Len()
	s.Apply(answered(1, "partner", morning.Add(2*time.Hour), domain.StatusValidated), 3)
	if e, _ := s.Get(challengeID(1)); e.Status != domain.StatusValidated || e.CreatedSeq != 1 {
		t.Errorf("the entry is %+v", e)
	}
	if s.Len() != before {
		t.Errorf("the verdict changed the number of challenges from %d to %d", before, s.Len())
	}
}

// TestStatesAgreeWithEvolve holds the projection against the domain, whatever
// events come in the order of a log, some of them twice.
func TestStatesAgreeWithEvolve(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := projections.NewStates(time.Hour)
		live := map[uint64]domain.Challenge{}
		for seq := range rapid.IntRange(1, 60).Draw(t, "events") {
			n := rapid.Uint64Range(1, 5).Draw(t, "challenge")
			var e domain.Event = created(n, "partner", morning)
			if live[n].Status != domain.StatusNone && rapid.Bool().Draw(t, "answer") {
				e = answered(n, "partner", morning, rapid.SampledFrom([]domain.Status{domain.StatusValidated, domain.StatusRejected, domain.StatusCreated}).Draw(t, "verdict"))
			}
			live[n] = domain.Evolve(live[n], e)
			for range rapid.IntRange(1, 2).Draw(t, "times") {
				s.Apply(e, domain.Sequence(seq+1))
			}
		}
		for n := range uint64(6) {
			if e, _ := s.Get(challengeID(n)); e.Status != live[n].Status {
				t.Fatalf("challenge %d is %v, the projection says %v", n, live[n].Status, e.Status)
			}
		}
	})
}

func TestStatesConcurrency(t *testing.T) {
	t.Parallel()
	s := projections.NewStates(time.Hour)
	const writers, each = 8, 500
	var wg sync.WaitGroup
	for w := range uint64(writers) {
		wg.Go(func() {
			client := domain.ClientID(fmt.Sprint("client", w))
			for i := range uint64(each) {
				n := w*each + i
				s.Apply(created(n, client, morning.Add(time.Duration(i)*time.Second)), domain.Sequence(n+1))
				s.Apply(answered(n, client, morning.Add(time.Duration(i)*time.Second), domain.StatusValidated), domain.Sequence(n+2))
				if e, found := s.Get(challengeID(n)); !found || e.Status != domain.StatusValidated || e.Client != client {
					t.Errorf("right after its verdict challenge %d is %+v, found %v", n, e, found)
				}
			}
		})
		wg.Go(func() {
			for i := range uint64(each) {
				if e, found := s.Get(challengeID(w*each + i)); found && e.Client == "" {
					t.Errorf("challenge %d is nobody's", w*each+i)
				}
				if i%100 == 0 {
					s.Len()
				}
			}
		})
	}
	wg.Wait()
	if s.Len() != writers*each {
		t.Errorf("Len = %d, want %d", s.Len(), writers*each)
	}
}

// BenchmarkStatesMemory reports what one challenge costs, and what the garbage
// collector needs for all of them.
func BenchmarkStatesMemory(b *testing.B) {
	const challenges = 1_000_000
	for b.Loop() {
		b.StopTimer()
		before := heap()
		s := projections.NewStates(time.Hour)
		b.StartTimer()
		for n := range uint64(challenges) {
			// Times within one generation: the worst case for a map that doubles.
			s.Apply(created(n, "partner", morning), domain.Sequence(n+1))
		}
		b.StopTimer()
		b.ReportMetric(float64(heap()-before)/challenges, "B/challenge")
		start := time.Now()
		runtime.GC()
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms/GC")
		runtime.KeepAlive(s)
		b.StartTimer()
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkStatesGet(b *testing.B) {
	s := projections.NewStates(time.Hour)
	for n := range uint64(100_000) {
		s.Apply(created(n, "partner", morning), domain.Sequence(n+1))
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for n := uint64(0); pb.Next(); n++ {
			s.Get(challengeID(n % 100_000))
		}
	})
}
