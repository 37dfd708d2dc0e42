package projections_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/projections"
)

// story makes the records of a log, one after the other.
type story struct {
	seq     domain.Sequence
	records []domain.Record
}

func (s *story) add(e domain.Event) domain.Record {
	s.seq++
	r := domain.Record{Seq: s.seq, Incarnation: 7, StoredAt: e.Head().At.Add(time.Millisecond), Event: e}
	s.records = append(s.records, r)
	return r
}

func eventID(n domain.Sequence) domain.EventID {
	return domain.EventID{UUID: domain.UUID{0: 1, 14: byte(n >> 8), 15: byte(n)}}
}

// shown is one position of a challenge.
func shown(image string, role domain.Role) domain.Position {
	return domain.Position{Image: domain.ImageID(image), Collection: "letters", Role: role}
}

func (s *story) created(n uint64, client domain.ClientID, at time.Time, kind domain.ChallengeType, keyword string, positions ...domain.Position) *domain.ChallengeCreated {
	e := created(n, client, at)
	e.ID, e.Type, e.Keyword, e.Positions = eventID(s.seq+1), kind, keyword, positions
	s.add(e)
	return e
}

func (s *story) answered(n uint64, client domain.ClientID, at time.Time, verdict domain.Status) {
	e := answered(n, client, at, verdict)
	e.ID = eventID(s.seq + 1)
	s.add(e)
}

func fed(t testing.TB, records ...domain.Record) *projections.Frequency {
	t.Helper()
	f := projections.NewFrequency()
	apply(t, f, records...)
	return f
}

func apply(t testing.TB, f *projections.Frequency, records ...domain.Record) {
	t.Helper()
	for _, r := range records {
		if err := f.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
}

func imagesOf(f *projections.Frequency, q projections.ImageQuery, now time.Time) []projections.ImageFrequency {
	var list []projections.ImageFrequency
	f.Images(q, now, func(im projections.ImageFrequency) bool {
		list = append(list, im)
		return true
	})
	return list
}

const (
	known    = domain.RoleKnown
	unknown  = domain.RoleUnknown
	sentinel = domain.RoleSentinel
	texts    = domain.TypeTranscription
	pictures = domain.TypeClassification
)

func TestFrequencyCountsExposures(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	var s story
	s.created(1, "site", noon, texts, "", shown("a", known), shown("b", unknown))
	s.created(2, "site", noon.Add(time.Hour), texts, "", shown("a", sentinel), shown("c", known))
	s.created(3, "site", noon.Add(time.Hour), pictures, "ship", shown("d", known), shown("e", unknown))
	s.created(4, "site", noon.Add(2*time.Hour), pictures, "house", shown("d", known), shown("e", unknown))
	s.created(5, "site", noon.Add(2*time.Hour), domain.TypeAudio, "", shown("sound", known))
	f := fed(t, s.records...)
	// Of exposures one and two half-lives ago, a half and a quarter is left.
	rate := func(weight float64) float64 { return weight * math.Ln2 }
	row := func(image string, kind domain.ChallengeType, c projections.RoleCounts, weight float64, first, last int) projections.ImageFrequency {
		return projections.ImageFrequency{
			Image: domain.ImageID(image), Collection: "letters", Type: kind, Counts: c, PerHour: rate(weight),
			First: noon.Add(time.Duration(first) * time.Hour), Last: noon.Add(time.Duration(last) * time.Hour),
		}
	}
	type counts = projections.RoleCounts
	all := []projections.ImageFrequency{
		row("a", texts, counts{Known: 1, Sentinel: 1}, 0.75, 0, 1),
		row("b", texts, counts{Unknown: 1}, 0.25, 0, 0),
		row("c", texts, counts{Known: 1}, 0.5, 1, 1),
		row("d", pictures, counts{Known: 2}, 1.5, 1, 2),
		row("e", pictures, counts{Unknown: 2}, 1.5, 1, 2),
	}
	underShip := func(im projections.ImageFrequency, c counts) projections.ImageFrequency {
		im.Counts = c
		return im
	}
	close := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-5 })
	for name, tt := range map[string]struct {
		query projections.ImageQuery
		want  []projections.ImageFrequency
	}{
		"all":                {projections.ImageQuery{}, all},
		"a collection":       {projections.ImageQuery{Collection: "letters"}, all},
		"another collection": {projections.ImageQuery{Collection: "maps"}, nil},
		"a keyword":          {projections.ImageQuery{Keyword: "ship"}, []projections.ImageFrequency{underShip(all[3], counts{Known: 1}), underShip(all[4], counts{Unknown: 1})}},
		"another keyword":    {projections.ImageQuery{Keyword: "horse"}, nil},
		"an image":           {projections.ImageQuery{Image: "c"}, all[2:3]},
		"another image":      {projections.ImageQuery{Image: "sound"}, nil},
	} {
		if diff := cmp.Diff(tt.want, imagesOf(f, tt.query, noon.Add(2*time.Hour)), close); diff != "" {
			t.Errorf("%s: the images differ (-want +got):\n%s", name, diff)
		}
	}
	wantKeywords := []projections.KeywordFrequency{
		{Keyword: "", Images: 3, Counts: counts{Known: 2, Unknown: 1, Sentinel: 1}},
		{Keyword: "ship", Images: 2, Counts: counts{Known: 1, Unknown: 1}},
		{Keyword: "house", Images: 2, Counts: counts{Known: 1, Unknown: 1}},
	}
	if diff := cmp.Diff(wantKeywords, f.Keywords()); diff != "" {
		t.Errorf("the keywords differ (-want +got):\n%s", diff)
	}
	totals := f.Totals()
	wantExposures := map[domain.ChallengeType]counts{texts: {Known: 2, Unknown: 1, Sentinel: 1}, pictures: {Known: 2, Unknown: 2}}
	if diff := cmp.Diff(wantExposures, totals.Exposures); diff != "" {
		t.Errorf("the exposures differ (-want +got):\n%s", diff)
	}
	if totals.Images != 5 || totals.Position.Seq != 5 || !totals.Clock.Equal(noon.Add(2*time.Hour)) || totals.Outcomes[domain.TypeAudio].Issued != 1 {
		t.Errorf("the totals are %+v", totals)
	}
}

func TestFrequencyCountsOutcomes(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return noon.Add(d) }
	overdue := domain.Lifetime + 3*time.Minute
	for name, tt := range map[string]struct {
		tell func(s *story)
		want projections.Outcomes
	}{
		"nothing": {func(*story) {}, projections.Outcomes{}},
		"open":    {func(s *story) { s.created(1, "site", noon, texts, "") }, projections.Outcomes{Issued: 1}},
		"validated": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.answered(1, "site", noon, domain.StatusValidated)
		}, projections.Outcomes{Issued: 1, Validated: 1}},
		"rejected": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.answered(1, "site", noon, domain.StatusRejected)
		}, projections.Outcomes{Issued: 1, Rejected: 1}},
		"answered twice": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.answered(1, "site", noon, domain.StatusRejected)
			s.answered(1, "site", noon, domain.StatusValidated)
		}, projections.Outcomes{Issued: 1, Rejected: 1}},
		"created twice": {func(s *story) { s.created(1, "site", noon, texts, ""); s.created(1, "site", noon, texts, "") }, projections.Outcomes{Issued: 1}},
		"another's answer": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.answered(1, "other", noon, domain.StatusValidated)
		}, projections.Outcomes{Issued: 1}},
		"a verdict that is none": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.answered(1, "site", noon, domain.StatusCreated)
		}, projections.Outcomes{Issued: 1}},
		"an answer to nothing": {func(s *story) { s.answered(1, "site", noon, domain.StatusValidated) }, projections.Outcomes{}},
		"expired by another's event": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.created(2, "other", after(overdue), texts, "")
		}, projections.Outcomes{Issued: 1, Expired: 1}},
		"at its end it may still be": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.created(2, "other", after(domain.Lifetime), texts, "")
		}, projections.Outcomes{Issued: 1}},
		"in time, told late": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.created(2, "other", after(domain.Lifetime+time.Minute), texts, "")
			s.answered(1, "site", after(domain.Lifetime-time.Second), domain.StatusValidated)
		}, projections.Outcomes{Issued: 1, Validated: 1}},
		"expired after a year of nothing": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.created(2, "other", after(365*24*time.Hour), texts, "")
		}, projections.Outcomes{Issued: 1, Expired: 1}},
		"answered, and then its time ends": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.answered(1, "site", noon, domain.StatusValidated)
			s.created(2, "other", after(overdue), texts, "")
		}, projections.Outcomes{Issued: 1, Validated: 1}},
		"its id comes again, later": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.answered(1, "site", noon, domain.StatusValidated)
			s.created(1, "site", after(10*time.Minute), texts, "")
			s.created(2, "other", after(overdue), texts, "") // the end of the first
		}, projections.Outcomes{Issued: 2, Validated: 1}},
		"an event not known": {func(s *story) {
			s.created(1, "site", noon, texts, "")
			s.add(strange{domain.Header{Challenge: challengeID(1), At: noon}})
		}, projections.Outcomes{Issued: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s story
			tt.tell(&s)
			f := fed(t, s.records...)
			var got projections.Outcomes
			for _, c := range f.Clients(noon) {
				if c.Client == "site" {
					got = c.All
					if got != c.ByType[texts] {
						t.Errorf("all of it is %+v, and of texts %+v", got, c.ByType[texts])
					}
				}
			}
			if got != tt.want {
				t.Errorf("the outcomes are %+v; want %+v", got, tt.want)
			}
		})
	}
}

// TestFrequencyBelievesNoClockFar has a node whose clock is a day ahead, and
// another a day behind.
func TestFrequencyBelievesNoClockFar(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	var s story
	s.created(1, "site", noon, texts, "", shown("a", known))
	for n, wrong := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		s.created(uint64(2+n), "site", noon.Add(wrong), texts, "", shown("b", known))
		s.records[len(s.records)-1].StoredAt = noon
	}
	f := fed(t, s.records...)
	if all := f.Clients(noon)[0].All; all != (projections.Outcomes{Issued: 3}) {
		t.Errorf("the outcomes are %+v", all)
	}
	if p := f.Pressure("site", noon.Add(time.Minute)); math.Abs(p.Issued-3) > 0.1 {
		t.Errorf("3 challenges of this minute weigh %g", p.Issued)
	}
}

func TestFrequencyPressure(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	var s story
	n := uint64(0)
	some := func(client domain.ClientID, count int, verdict domain.Status) {
		for range count {
			n++
			s.created(n, client, noon, texts, "")
			if verdict.Final() {
				s.answered(n, client, noon, verdict)
			}
		}
	}
	some("site", 60, domain.StatusValidated)
	some("site", 20, domain.StatusRejected)
	some("site", 20, domain.StatusNone)
	some("other", 50, domain.StatusNone)
	later := noon.Add(domain.Lifetime + 3*time.Minute)
	s.created(0, "third", later, texts, "")
	f := fed(t, s.records...)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.01*math.Max(1, want) {
			t.Errorf("%s is %g; want %g", what, got, want)
		}
	}
	p := f.Pressure("site", noon)
	near("the weight of what was issued", p.Issued, 100)
	near("the rate of it", p.IssuedPerHour, 100*math.Ln2)
	near("the share of rejections", p.RejectedShare, 20.0/80)
	near("the weight of what expired", p.Unanswered, 20)
	// It expired later than the rest was answered, and so weighs more.
	lost := math.Exp2(-float64(domain.Lifetime) / float64(projections.HalfLife))
	p = f.Pressure("site", noon.Add(domain.Lifetime))
	near("the share unanswered", p.UnansweredShare, 20/(80*lost+20))
	near("the weight of what was issued, after a half-life", f.Pressure("site", noon.Add(projections.HalfLife)).Issued, 50)
	near("the share of another that never answers", f.Pressure("other", later).UnansweredShare, 1)
	if p.ExposuresPerImage != 0 {
		t.Errorf("without images the exposures are %g an image", p.ExposuresPerImage)
	}
	s.created(1000, "site", later, texts, "", shown("a", known), shown("b", unknown))
	s.created(1001, "other", later, texts, "", shown("a", known), shown("c", unknown))
	apply(t, f, s.records[len(s.records)-2:]...)
	near("how often a client sees one of 3 active images", f.Pressure("site", later).ExposuresPerImage, 2*math.Ln2/3)
	near("how often anybody does", f.TotalPressure(later).ExposuresPerImage, 4*math.Ln2/3)
	near("the weight in total", f.TotalPressure(noon).Rejected, 20)
	if p := f.Pressure("nobody", noon); p != (projections.Pressure{}) {
		t.Errorf("nobody's pressure is %+v", p)
	}
}

func TestFrequencyCountsWhatGenerationsDealt(t *testing.T) {
	t.Parallel()
	var s story
	for n, generation := range []uint64{0, 5, 5, 6, 5} {
		s.created(uint64(n), "site", morning, texts, "", shown("a", known)).Generation = generation
	}
	s.created(9, "site", morning, pictures, "ship", shown("b", known))
	s.created(10, "site", morning, domain.TypeAudio, "")
	f := fed(t, s.records...)
	for generation, want := range map[uint64]int64{0: 2, 5: 3, 6: 1, 7: 0} {
		if got := f.Dealt(generation); got != want {
			t.Errorf("generation %d has dealt %d; want %d", generation, got, want)
		}
	}
}

// TestFrequencyTakesEachEventOnceAndInOrder is what an exact count rests on.
func TestFrequencyTakesEachEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	var s story
	for n := range uint64(3) {
		s.created(n, "site", morning, texts, "", shown("a", known))
		s.answered(n, "site", morning, domain.StatusValidated)
	}
	f := projections.NewFrequency()
	hole := func(r domain.Record, after, before domain.Sequence) {
		t.Helper()
		err := f.Apply(r)
		got, ok := errors.AsType[*projections.HoleError](err)
		if !ok || got.After != after || got.Before != before {
			t.Errorf("event %d: %v; want a hole from %d to %d", r.Seq, err, after, before)
		}
	}
	hole(s.records[1], 0, 2)
	for _, n := range []int{0, 0, 1, 0, 1} { // again, what was answered would be a new challenge
		apply(t, f, s.records[n])
	}
	if got := f.Position(); got != (projections.Position{Seq: 2, Incarnation: 7, Event: eventID(2)}) || f.Next() != 3 {
		t.Errorf("the position is %+v, and the next event %d", got, f.Next())
	}
	hole(s.records[3], 2, 4)
	f.Skip(3)
	if f.Next() != 4 || f.Position().Seq != 2 {
		t.Errorf("after a gap up to 3 the next event is %d and the position %d", f.Next(), f.Position().Seq)
	}
	f.Skip(1) // says nothing
	hole(s.records[4], 3, 5)
	apply(t, f, s.records[3])
	f.Skip(6) // more is declared lost than is
	apply(t, f, s.records[4])
	// The second challenge's creation was lost, and its answer is one to nothing.
	if got := f.Totals().Outcomes[texts]; got != (projections.Outcomes{Issued: 2, Validated: 1}) {
		t.Errorf("the outcomes are %+v", got)
	}
}

// TestFrequencyActiveImages lets hours pass.
func TestFrequencyActiveImages(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	var s story
	f := projections.NewFrequency()
	at := func(d time.Duration, want int, images ...string) {
		t.Helper()
		positions := make([]domain.Position, len(images))
		for i, image := range images {
			positions[i] = shown(image, known)
		}
		s.created(uint64(len(s.records)), "site", noon.Add(d), texts, "", positions...)
		apply(t, f, s.records[len(s.records)-1])
		again := projections.NewFrequency()
		if err := again.Restore(f.Snapshot()); err != nil {
			t.Fatal(err)
		}
		for what, f := range map[string]*projections.Frequency{"live": f, "restored": again} {
			if got := f.ActiveImages(texts); got != want || f.Totals().ActiveImages[texts] != want {
				t.Errorf("%s: after %v %d images are active; want %d", what, d, got, want)
			}
		}
	}
	at(0, 2, "a", "b")
	at(30*time.Minute, 2, "a")
	at(59*time.Minute, 2)
	at(60*time.Minute, 1)
	at(40*time.Minute, 2, "b") // told late
	at(90*time.Minute, 1)
	at(100*time.Minute, 0)
	at(101*time.Minute, 3, "a", "b", "c")
	at(10000*time.Minute, 1, "c")
}
