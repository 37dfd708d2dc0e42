package projections

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"ocapi/domain"
)

// DaysKept is how many days [Days] tells of, the one of the latest event
// included.
const DaysKept = 32

// Days counts what became of each client's challenges, by the day (UTC) on which
// they were handed out, for the last [DaysKept] days that have events. An answer
// counts for the day of its challenge, so that of one day's row all shares are
// shares of the same challenges.
//
// It is fed as [Frequency] is: with the log's events, in the log's order, each
// once. Its state follows from the events alone. It takes about 550 bytes for a
// day of a client's and 90 for a challenge of the last 22 minutes.
//
// It is safe for concurrent use. Readers never wait for a snapshot.
type Days struct {
	// As in Frequency: feeding comes before mu.
	feeding sync.Mutex
	mu      sync.RWMutex

	cursor
	clock tick

	clients names
	rows    map[dayKey]*dayRow
	open    openChallenges
}

// dayKey names a row: the day is counted from 1970.
type dayKey struct {
	day    uint32
	client uint32
}

type dayRow struct {
	byKind [kindCount]Outcomes
	times  [timeCount]uint32 // answers by how long they took
}

const ticksPerDay = tick(24 * time.Hour / tickLength)

func dayOf(t tick) uint32 { return uint32(t / ticksPerDay) }

// NewDays makes one that has read nothing.
func NewDays() *Days {
	return &Days{rows: map[dayKey]*dayRow{}, open: newOpenChallenges()}
}

// Apply takes in the next event of the log. One that was applied already changes
// nothing; one that is not the next is refused with a [HoleError].
func (d *Days) Apply(r domain.Record) error {
	d.feeding.Lock()
	defer d.feeding.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh, err := d.move(r)
	if fresh {
		d.apply(r)
	}
	return err
}

// Skip declares that the log has no event after the position up to the sequence
// to, and never will.
func (d *Days) Skip(to domain.Sequence) {
	d.feeding.Lock()
	defer d.feeding.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.skip(to)
}

// Position is the event that was applied last.
func (d *Days) Position() Position {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.position
}

// Next is the sequence of the event that has to come next.
func (d *Days) Next() domain.Sequence {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.next()
}

func (d *Days) apply(r domain.Record) {
	at := moment(r)
	now := tickOf(at)
	if now > d.clock {
		d.advance(now)
	}
	d.open.giveUp(d.clock, func(c openChallenge) {
		if row := d.rows[dayKey{dayOf(c.began), c.client}]; row != nil {
			row.byKind[c.kind].Expired++
		}
	})
	switch e := r.Event.(type) {
	case *domain.ChallengeCreated:
		d.created(e, at)
	case *domain.ChallengeAnswered:
		d.answered(e, now)
	}
}

// advance moves the clock, and forgets days that are over for long.
func (d *Days) advance(now tick) {
	before := dayOf(d.clock)
	d.clock = now
	if dayOf(now) == before {
		return
	}
	for key := range d.rows {
		if key.day < d.first() {
			delete(d.rows, key)
		}
	}
}

// first is the first day that is kept.
func (d *Days) first() uint32 { return max(dayOf(d.clock), DaysKept-1) - (DaysKept - 1) }

func (d *Days) created(e *domain.ChallengeCreated, at time.Time) {
	if _, again := d.open.get(e.Challenge.UUID); again {
		return // as domain.Evolve has it: the first one counts
	}
	kind := e.Type
	if int(kind) >= kindCount {
		kind = domain.TypeInvalid // a later release's
	}
	began := tickOf(at)
	client := d.clients.index(string(e.Client))
	key := dayKey{dayOf(began), client}
	if key.day < d.first() {
		return // clocks differ by minutes at most, so it is hardly ever so
	}
	row := d.rows[key]
	if row == nil {
		row = &dayRow{}
		d.rows[key] = row
	}
	row.byKind[kind].Issued++
	lifetime := min(max(e.ExpiresAt.Sub(e.At), 0), maxLifetime)
	d.open.add(e.Challenge.UUID, openChallenge{client: client, kind: kind, began: began, expires: tickOf(at.Add(lifetime))})
}

func (d *Days) answered(e *domain.ChallengeAnswered, now tick) {
	c, open := d.open.get(e.Challenge.UUID)
	if !open || !e.Verdict.Final() || d.clients.names[c.client] != string(e.Client) {
		return // a second answer, or none of this challenge
	}
	d.open.remove(e.Challenge.UUID)
	row := d.rows[dayKey{dayOf(c.began), c.client}]
	if row == nil {
		return // its day is forgotten: the clock has leapt by a month
	}
	o := &row.byKind[c.kind]
	if e.Verdict == domain.StatusValidated {
		o.Validated++
	} else {
		o.Rejected++
	}
	row.times[timeIndex(max(now, c.began)-c.began)]++
}

// Day is what became of the challenges that were handed out on one day.
type Day struct {
	Start time.Time // midnight, UTC
	All   Outcomes
	Audio Outcomes // of them, those with sound
	Times AnswerTimes
}

// Client lists the days of a client's that have challenges, the oldest first.
func (d *Days) Client(id domain.ClientID) []Day {
	d.mu.RLock()
	defer d.mu.RUnlock()
	client, ok := d.clients.find(string(id))
	if !ok {
		return nil
	}
	var list []Day
	for date := d.first(); date <= dayOf(d.clock); date++ {
		if row := d.rows[dayKey{date, client}]; row != nil {
			day := Day{Start: startOf(date)}
			day.add(row)
			list = append(list, day)
		}
	}
	return list
}

// All lists the days that have challenges, of all clients together, the oldest
// first.
func (d *Days) All() []Day {
	d.mu.RLock()
	defer d.mu.RUnlock()
	sums := map[uint32]*Day{}
	for key, row := range d.rows {
		day := sums[key.day]
		if day == nil {
			day = &Day{Start: startOf(key.day)}
			sums[key.day] = day
		}
		day.add(row)
	}
	var list []Day
	for _, day := range sums {
		list = append(list, *day)
	}
	slices.SortFunc(list, func(a, b Day) int { return a.Start.Compare(b.Start) })
	return list
}

func startOf(day uint32) time.Time { return (tick(day) * ticksPerDay).time() }

func (d *Day) add(row *dayRow) {
	for kind, o := range row.byKind {
		d.All = d.All.plus(o)
		if domain.ChallengeType(kind) == domain.TypeAudio {
			d.Audio = d.Audio.plus(o)
		}
	}
	for i, n := range row.times {
		d.Times.counts[i] += uint64(n)
	}
}

// sorted lists the rows by day and client.
func (d *Days) sorted() []dayKey {
	keys := make([]dayKey, 0, len(d.rows))
	for key := range d.rows {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b dayKey) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.client, b.client)) })
	return keys
}

// AnswerTimes are how long answers took, from the creation of the challenge to
// the verdict. The zero value is none. They are kept by the second up to a
// minute, then by ten seconds up to five minutes, then by the minute.
type AnswerTimes struct{ counts [timeCount]uint64 }

// The bounds of how times are kept.
const (
	bySecond   = 60 // 0 to 59 s
	byTen      = 24 // 60 to 299 s
	byMinute   = 20 // 300 to 1499 s, and what took longer
	timeCount  = bySecond + byTen + byMinute
	tenFrom    = 60
	minuteFrom = 300
)

// timeIndex is where a time in seconds is counted.
func timeIndex(seconds tick) int {
	switch {
	case seconds < tenFrom:
		return int(seconds)
	case seconds < minuteFrom:
		return bySecond + int(seconds-tenFrom)/10
	}
	return min(bySecond+byTen+int(seconds-minuteFrom)/60, timeCount-1)
}

// timeSpan is where the times that are counted at an index begin, and how far
// they go, in seconds.
func timeSpan(i int) (from, width float64) {
	switch {
	case i < bySecond:
		return float64(i), 1
	case i < bySecond+byTen:
		return float64(tenFrom + 10*(i-bySecond)), 10
	}
	return float64(minuteFrom + 60*(i-bySecond-byTen)), 60
}

// Count is how many answers there are.
func (t *AnswerTimes) Count() (n uint64) {
	for _, c := range t.counts {
		n += c
	}
	return n
}

// Add takes in other times.
func (t *AnswerTimes) Add(other AnswerTimes) {
	for i, c := range other.counts {
		t.counts[i] += c
	}
}

// Median is the time that half of the answers took at most: exact to the second
// below a minute, to ten seconds below five, then to the minute. Within what is
// kept together answers are taken to be spread evenly. ok is false without
// answers.
func (t *AnswerTimes) Median() (median time.Duration, ok bool) {
	total := t.Count()
	if total == 0 {
		return 0, false
	}
	half, below := float64(total)/2, 0.0
	for i, n := range t.counts {
		c := float64(n)
		if below+c >= half && n > 0 {
			from, width := timeSpan(i)
			return time.Duration((from + width*(half-below)/c) * float64(time.Second)), true
		}
		below += c
	}
	return 0, false // not reached: the counts add up to their sum
}
