package projections_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/projections"
)

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
			again := records[rapid.IntRange(0, int(r.Seq)-1).Draw(t, "again")]
			for _, r := range []domain.Record{r, again} {
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
	deal(morning, 1, 9, texts, "", shown("k1", known), shown("k9", known)) // a generation that is over
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
