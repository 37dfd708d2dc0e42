package projections_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

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
	for n := range uint64(6) {
		s.created(n, "site", morning, texts, "", shown("a", known))
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
	apply(t, f, s.records[0], s.records[0], s.records[1], s.records[0], s.records[1])
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
	if got := f.Totals().Outcomes[texts].Issued; got != 4 {
		t.Errorf("%d challenges were issued; want 4", got)
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

// TestSnapshotAndTailAreTheReplay takes random stories, some with clocks that
// differ, and compares, byte by byte, what was fed without a break with what
// was stored anywhere on the way, read back and fed the rest, each event
// perhaps twice.
func TestSnapshotAndTailAreTheReplay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		records := drawStory(t)
		whole := projections.NewFrequency()
		parts := projections.NewFrequency()
		for _, r := range records {
			if err := whole.Apply(r); err != nil {
				t.Fatal(err)
			}
			for range rapid.IntRange(1, 2).Draw(t, "times") {
				if err := parts.Apply(r); err != nil {
					t.Fatal(err)
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				position, snapshot := parts.Snapshot()
				if position != whole.Position() {
					t.Fatalf("the snapshot's position is %+v", position)
				}
				parts = projections.NewFrequency()
				if err := parts.Restore(position, snapshot); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, want := whole.Snapshot()
		_, got := parts.Snapshot()
		if !bytes.Equal(got, want) {
			t.Fatal("a snapshot and its tail give another snapshot than the whole")
		}
		now := whole.Clock().Add(time.Minute)
		for what, diff := range map[string]string{
			"totals":   cmp.Diff(whole.Totals(), parts.Totals()),
			"images":   cmp.Diff(imagesOf(whole, projections.ImageQuery{}, now), imagesOf(parts, projections.ImageQuery{}, now)),
			"clients":  cmp.Diff(whole.Clients(now), parts.Clients(now)),
			"keywords": cmp.Diff(whole.Keywords(), parts.Keywords()),
			"evenness": cmp.Diff(whole.Evenness(), parts.Evenness()),
		} {
			if diff != "" {
				t.Fatalf("the %s differ:\n%s", what, diff)
			}
		}
		sums(t, whole)
	})
}

// sums holds what was counted in different ways against each other.
func sums(t *rapid.T, f *projections.Frequency) {
	totals := f.Totals()
	clients := map[domain.ChallengeType]projections.Outcomes{}
	for _, c := range f.Clients(f.Clock()) {
		for kind, o := range c.ByType {
			sum := clients[kind]
			sum.Issued, sum.Validated = sum.Issued+o.Issued, sum.Validated+o.Validated
			sum.Rejected, sum.Expired = sum.Rejected+o.Rejected, sum.Expired+o.Expired
			clients[kind] = sum
		}
	}
	if diff := cmp.Diff(totals.Outcomes, clients); diff != "" {
		t.Fatalf("the clients' outcomes are not the total (-total +clients):\n%s", diff)
	}
	var byImage, byKeyword, total uint64
	for _, im := range imagesOf(f, projections.ImageQuery{}, f.Clock()) {
		byImage += im.Counts.All()
	}
	for _, k := range f.Keywords() {
		byKeyword += k.Counts.All()
	}
	for _, c := range totals.Exposures {
		total += c.All()
	}
	if byImage != total || byKeyword != total {
		t.Fatalf("exposures: %d by image, %d by keyword, %d in total", byImage, byKeyword, total)
	}
}

// drawStory makes the events of a log: a few clients, challenges, images.
func drawStory(t *rapid.T) []domain.Record {
	var s story
	at := morning
	for range rapid.IntRange(0, 120).Draw(t, "events") {
		at = at.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "pause")))
		client := rapid.SampledFrom([]domain.ClientID{"site", "other", "third"}).Draw(t, "client")
		n := rapid.Uint64Range(0, 30).Draw(t, "challenge")
		skew := time.Duration(rapid.Int64Range(int64(-3*time.Minute), int64(3*time.Minute)).Draw(t, "skew"))
		if rapid.Bool().Draw(t, "answer") {
			s.answered(n, client, at.Add(skew), rapid.SampledFrom([]domain.Status{domain.StatusValidated, domain.StatusRejected, domain.StatusCreated}).Draw(t, "verdict"))
		} else {
			kind := rapid.SampledFrom([]domain.ChallengeType{texts, pictures, domain.TypeAudio}).Draw(t, "type")
			keyword := rapid.SampledFrom([]string{"", "ship", "house"}).Draw(t, "keyword")
			var positions []domain.Position
			for range rapid.IntRange(0, 4).Draw(t, "positions") {
				positions = append(positions, domain.Position{
					Image:      domain.ImageID(fmt.Sprint("image", rapid.IntRange(0, 150).Draw(t, "image"))),
					Collection: rapid.SampledFrom([]domain.CollectionID{"letters", "maps"}).Draw(t, "collection"),
					Role:       domain.Role(rapid.IntRange(0, 4).Draw(t, "role")),
				})
			}
			s.created(n, client, at.Add(skew), kind, keyword, positions...).Generation = rapid.Uint64Range(0, 3).Draw(t, "generation")
		}
		s.records[len(s.records)-1].StoredAt = at
	}
	return s.records
}

func TestEvenness(t *testing.T) {
	t.Parallel()
	var s story
	n := uint64(0)
	deal := func(at time.Time, generation uint64, times int, kind domain.ChallengeType, keyword string, positions ...domain.Position) {
		for range times {
			n++
			s.created(n, "site", at, kind, keyword, positions...).Generation = generation
		}
	}
	deal(morning, 1, 9, texts, "", shown("k1", known)) // a generation that is over
	later := morning.Add(2 * time.Hour)
	deal(later, 2, 3, texts, "", shown("k1", known), shown("u1", unknown))
	deal(later, 2, 1, texts, "", shown("k2", known), shown("u2", unknown))
	deal(later, 2, 2, texts, "", shown("k2", sentinel), shown("s1", sentinel)) // k2 stays a known one
	// Within a keyword known ones come more often; across keywords it looks even.
	deal(morning, 3, 2, pictures, "ship", shown("m1", known))
	deal(morning, 3, 1, pictures, "ship", shown("v1", unknown))
	deal(morning, 3, 8, pictures, "house", shown("m2", known))
	deal(morning, 3, 7, pictures, "house", shown("v2", unknown))
	f := fed(t, s.records...)
	want := []projections.Evenness{
		{
			// k1 3, k2 3 against u1 3, u2 1, s1 2: 1 draw and 2 wins each.
			Type: texts, Known: projections.Spread{Images: 2, Least: 3, Mid: 3, Most: 3},
			Unknown: projections.Spread{Images: 2, Least: 1, Mid: 3, Most: 3}, Sentinel: projections.Spread{Images: 1, Least: 2, Mid: 2, Most: 2},
			AUC: 5.0 / 6, Pairs: 6,
		},
		{
			// The last generation of its type counts, however old.
			Type: pictures, Known: projections.Spread{Images: 2, Least: 2, Mid: 8, Most: 8}, Unknown: projections.Spread{Images: 2, Least: 1, Mid: 7, Most: 7},
			AUC: 1, Pairs: 2,
		},
	}
	if diff := cmp.Diff(want, f.Evenness()); diff != "" {
		t.Errorf("the evenness differs (-want +got):\n%s", diff)
	}
	if got := projections.NewFrequency().Evenness(); len(got) != 0 {
		t.Errorf("of nothing it is %+v", got)
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	var s story
	s.created(1, "site", morning, texts, "", shown("a", known))
	f := fed(t, s.records...)
	at, sound := f.Snapshot()
	cases := map[string][]byte{"nothing": nil, "another thing": []byte("SQLite format 3\x00 and what comes after it, for more than a checksum")}
	version := slices.Clone(sound)
	version[len("ocapi frequency\n")] = 99
	cases["another version"] = version
	cases["one byte more"] = append(slices.Clone(sound), 0)
	for i := range sound {
		cases[fmt.Sprint("cut after ", i)] = sound[:i]
		flipped := slices.Clone(sound)
		flipped[i] ^= 1 << (i % 8)
		cases[fmt.Sprint("a flipped bit in byte ", i)] = flipped
	}
	for name, b := range cases {
		g := projections.NewFrequency()
		if err := g.Restore(at, b); !errors.Is(err, projections.ErrSnapshot) {
			t.Errorf("%s: Restore = %v, want ErrSnapshot", name, err)
		}
		if g.Position() != (projections.Position{}) || g.Totals().Images != 0 {
			t.Errorf("%s: something was kept of it", name)
		}
	}
	elsewhere := at
	elsewhere.Incarnation++
	if err := projections.NewFrequency().Restore(elsewhere, sound); !errors.Is(err, projections.ErrSnapshot) {
		t.Errorf("of another position: Restore = %v, want ErrSnapshot", err)
	}
	if err := f.Restore(at, sound); !errors.Is(err, projections.ErrSnapshot) {
		t.Errorf("over other statistics: Restore = %v, want ErrSnapshot", err)
	}
}
