package projections

import (
	"cmp"
	"slices"
	"time"

	"ocapi/domain"
)

// Outcomes counts challenges by what became of them. Issued is always the sum
// of the others and of those that are open.
type Outcomes struct {
	Issued    uint64
	Validated uint64
	Rejected  uint64
	Expired   uint64 // not answered in time
}

// Answered counts the challenges that have a verdict.
func (o Outcomes) Answered() uint64 { return o.Validated + o.Rejected }

// Open counts the challenges that may still be answered.
func (o Outcomes) Open() uint64 { return o.Issued - o.Answered() - o.Expired }

func (o Outcomes) plus(p Outcomes) Outcomes {
	return Outcomes{o.Issued + p.Issued, o.Validated + p.Validated, o.Rejected + p.Rejected, o.Expired + p.Expired}
}

// Pressure is how hard somebody has been asking in the last hours. Counts are
// sums of weights that halve with every [HalfLife] of age; rates and shares
// follow from them. The zero value is no pressure.
type Pressure struct {
	Issued     float64 // challenges handed out
	Validated  float64
	Rejected   float64
	Unanswered float64 // expired without an answer

	IssuedPerHour   float64
	UnansweredShare float64 // of what was answered or has expired; 0 where nothing was
	RejectedShare   float64 // of what was answered; 0 where nothing was
	// ExposuresPerImage is how often an hour an active image is shown to this
	// somebody, on average over all images that were shown to anybody in the hour
	// before the latest event: how fast what is dealt at present is being seen.
	ExposuresPerImage float64
}

// tally is what is counted of one client, or of all together.
type tally struct {
	byKind [kindCount]Outcomes

	issued, validated, rejected, expired decayed
	exposed                              decayed // images in what was issued
}

// pressure computes the rates of a moment; active is the number of active
// images.
func (t *tally) pressure(now tick, active int) Pressure {
	p := Pressure{
		Issued: t.issued.weight(now), Validated: t.validated.weight(now),
		Rejected: t.rejected.weight(now), Unanswered: t.expired.weight(now),
	}
	p.IssuedPerHour = perHour(p.Issued)
	if active > 0 {
		p.ExposuresPerImage = perHour(t.exposed.weight(now)) / float64(active)
	}
	answered := p.Validated + p.Rejected
	if answered > 0 {
		p.RejectedShare = p.Rejected / answered
	}
	if ended := answered + p.Unanswered; ended > 0 {
		p.UnansweredShare = p.Unanswered / ended
	}
	return p
}

func (t *tally) issue(kind domain.ChallengeType, at tick) {
	t.byKind[kind].Issued++
	t.issued.add(at, 1)
}

func (t *tally) answer(kind domain.ChallengeType, verdict domain.Status, at tick) {
	if verdict == domain.StatusValidated {
		t.byKind[kind].Validated++
		t.validated.add(at, 1)
	} else {
		t.byKind[kind].Rejected++
		t.rejected.add(at, 1)
	}
}

func (t *tally) expire(kind domain.ChallengeType, at tick) {
	t.byKind[kind].Expired++
	t.expired.add(at, 1)
}

// ClientFrequency is what one client's challenges add up to.
type ClientFrequency struct {
	Client   domain.ClientID
	ByType   map[domain.ChallengeType]Outcomes // of types that were issued
	All      Outcomes
	Pressure Pressure
}

func (t *tally) frequency(client domain.ClientID, now tick, active int) ClientFrequency {
	c := ClientFrequency{Client: client, ByType: map[domain.ChallengeType]Outcomes{}, Pressure: t.pressure(now, active)}
	for kind, o := range t.byKind {
		if o != (Outcomes{}) {
			c.ByType[domain.ChallengeType(kind)] = o
		}
		c.All = c.All.plus(o)
	}
	return c
}

// Pressure tells how hard a client has been asking, as far as the log has been
// read, at the moment now. It is made for every request: one look into a map.
func (f *Frequency) Pressure(client domain.ClientID, now time.Time) Pressure {
	f.mu.RLock()
	defer f.mu.RUnlock()
	i, ok := f.clients.find(string(client))
	if !ok {
		return Pressure{}
	}
	return f.tallies[i].pressure(tickOf(now), f.active.all())
}

// TotalPressure tells how hard all clients together have been asking.
func (f *Frequency) TotalPressure(now time.Time) Pressure {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.total.pressure(tickOf(now), f.active.all())
}

// Clients lists what the challenges of each client add up to, by their ids,
// with rates of the moment now.
func (f *Frequency) Clients(now time.Time) []ClientFrequency {
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := make([]ClientFrequency, len(f.tallies))
	for i := range f.tallies {
		list[i] = f.tallies[i].frequency(domain.ClientID(f.clients.names[i]), tickOf(now), f.active.all())
	}
	slices.SortFunc(list, func(a, b ClientFrequency) int { return cmp.Compare(a.Client, b.Client) })
	return list
}
