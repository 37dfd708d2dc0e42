package node_test

import (
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/corpus"
	"ocapi/domain"
)

// rejection is one way to be rejected.
type rejection struct {
	name   string
	lay    domain.Composition
	answer string
}

// rejections lists the ways in which a challenge can be answered wrongly, with
// as much right as there can be beside what is wrong.
func rejections(t *testing.T, dir string) map[domain.ChallengeType][]rejection {
	t.Helper()
	const k, u = domain.RoleKnown, domain.RoleUnknown
	texts := someImages(t, dir, domain.TypeTranscription)
	first := compose(domain.TypeTranscription, texts, cast{"", []domain.Role{k, u}, false})
	second := compose(domain.TypeTranscription, texts, cast{"", []domain.Role{u, k}, false})
	whole := compose(domain.TypeTranscription, texts, cast{"", []domain.Role{k, k}, true})
	right, other := []string{texts[0].Text, texts[1].Text}, "qqqqqqqqqq"
	typed := func(a, b string) string { return programtest.MustJSON(map[string]any{"texts": []string{a, b}}) }
	list := map[domain.ChallengeType][]rejection{domain.TypeTranscription: {
		{"known wrong, unknown typed", first, typed(other, right[1])},
		{"known wrong, the second", second, typed(right[0], other)},
		{"both wrong", first, typed(other, other)},
		{"known nearly right", first, typed(right[0][:len(right[0])-3], right[1])},
		{"known unreadable", first, programtest.MustJSON(map[string]any{"texts": []string{"", right[1]}, "unreadable": []int{0}})},
		{"known unreadable, the second", second, programtest.MustJSON(map[string]any{"texts": []string{right[0], ""}, "unreadable": []int{1}})},
		{"wholly known, first wrong", whole, typed(other, right[1])},
		{"wholly known, second wrong", whole, typed(right[0], other)},
		{"wholly known, both wrong", whole, typed(other, other)},
	}}

	tiles, matches, others := mixedTiles(t, dir)
	roles := slices.Repeat([]domain.Role{k}, len(tiles))
	allKnown := compose(domain.TypeClassification, tiles, cast{"", roles, true})
	unsure := slices.Clone(roles)
	unsure[matches[0]], unsure[others[0]] = u, u
	mixed := compose(domain.TypeClassification, tiles, cast{"", unsure, false})
	chosen := func(selected []int, unreadable ...int) string {
		return programtest.MustJSON(map[string]any{"selected": append([]int{}, selected...), "unreadable": append([]int{}, unreadable...)})
	}
	for name, lay := range map[string]domain.Composition{"": mixed, ", wholly known": allKnown} {
		list[domain.TypeClassification] = append(list[domain.TypeClassification],
			rejection{"a known match left out" + name, lay, chosen(matches[:len(matches)-1])},
			rejection{"a known non-match selected" + name, lay, chosen(append(slices.Clone(matches), others[len(others)-1]))},
			rejection{"nothing selected" + name, lay, chosen(nil)},
			rejection{"everything selected" + name, lay, chosen(append(slices.Clone(matches), others...))},
			rejection{"a known match unreadable" + name, lay, chosen(matches[:len(matches)-1], matches[len(matches)-1])},
			rejection{"a known non-match unreadable" + name, lay, chosen(matches, others[len(others)-1])},
		)
	}
	return list
}

// mixedTiles takes nine known images: four ships and five others.
func mixedTiles(t *testing.T, dir string) (tiles []corpus.Entry, ships, others []int) {
	t.Helper()
	images, err := programtest.OpenCorpus(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range images {
		ship := slices.Contains(im.Labels, "ship")
		if len(tiles) == 9 || im.Type != domain.TypeClassification || !im.Known || ship && len(ships) == 4 {
			continue
		}
		if ship {
			ships = append(ships, len(tiles))
		} else {
			others = append(others, len(tiles))
		}
		tiles = append(tiles, corpus.Entry{Image: im})
	}
	return tiles, ships, others
}

// play issues the challenge of a rejection and answers it.
func (r rejection) play(t *testing.T, v *programtest.Visitor, composer *fixedComposer) (programtest.Reply, time.Duration) {
	t.Helper()
	composer.lay(r.lay)
	c := v.Ask("")
	began := time.Now()
	got := v.Do(http.MethodPost, c.Path(), r.answer, nil)
	took := time.Since(began)
	if !strings.Contains(string(got.Body), `"state":"rejected"`) || got.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", r.name, got.Status, got.Body)
	}
	return got, took
}

// TestRejectionsAreAllTheSame compares all kinds of rejection: status, headers,
// lengths and bytes, with what is new in each put aside.
func TestRejectionsAreAllTheSame(t *testing.T) {
	t.Parallel()
	dir, f := programtest.NewData(t)
	composer := &fixedComposer{}
	v := programtest.NewVisitor(t, startFixed(t, dir, composer), f, programtest.SiteID)
	for kind, list := range rejections(t, dir) {
		var first string
		var length int
		for i, r := range list {
			got, _ := r.play(t, v, composer)
			if i == 0 {
				first, length = seen(got), len(got.Body)
			}
			if now := seen(got); now != first || len(got.Body) != length {
				t.Errorf("%v: %q and %q can be told apart:\n%s\n\n%s", kind, list[0].name, r.name, first, now)
			}
		}
		if len(list) < 9 {
			t.Errorf("%v: %d kinds of rejection only", kind, len(list))
		}
	}
}

// timingBar is how far from a half the probability may be that one of two
// things takes longer than the other. It finds a wait, a second look at a store
// or a hash too many, and no more: what a laptop under load can tell. With the
// numbers below chance alone stays within a third of it (6 standard deviations,
// math.Sqrt(1/6n), are 0.06 and 0.14).
const timingBar = 0.2

// timed is how often something is done to be timed. The race detector takes ten
// times as long for another time: with it a few rounds look for races, and nothing
// is judged.
func timed(rounds int) int {
	if programtest.RaceEnabled {
		return rounds / 30
	}
	return rounds
}

// TestRejectionsTakeTheSameTime times all kinds of rejection in turn and
// compares each with all others by ranks (Mann and Whitney 1947).
func TestRejectionsTakeTheSameTime(t *testing.T) {
	t.Parallel()
	rounds := timed(150)
	dir, f := programtest.NewData(t)
	composer := &fixedComposer{}
	v := programtest.NewVisitor(t, startFixed(t, dir, composer), f, programtest.SiteID)
	for kind, list := range rejections(t, dir) {
		took := make([][]float64, len(list))
		for range rounds {
			for _, i := range rand.Perm(len(list)) {
				_, d := list[i].play(t, v, composer)
				took[i] = append(took[i], d.Seconds())
			}
		}
		for i, r := range list {
			var others []float64
			for j := range list {
				if i != j {
					others = append(others, took[j]...)
				}
			}
			slower, sigmas := ranks(took[i], others)
			t.Logf("%v, %s: median %.0f µs, slower than the others in %.3f of pairs (%.1f standard deviations)", kind, r.name, 1e6*median(took[i]), slower, sigmas)
			if !programtest.RaceEnabled && (slower < 0.5-timingBar || slower > 0.5+timingBar) {
				t.Errorf("%v: how long it takes tells %q from the other rejections", kind, r.name)
			}
		}
	}
}

// TestPicturesTakeTheSameTime times the pictures of known and unknown images of
// the same challenges in turn.
func TestPicturesTakeTheSameTime(t *testing.T) {
	t.Parallel()
	rounds := timed(600)
	dir, f := programtest.NewData(t)
	composer := &fixedComposer{}
	v := programtest.NewVisitor(t, startFixed(t, dir, composer), f, programtest.SiteID)
	images := someImages(t, dir, domain.TypeTranscription)
	var known, unknown []float64
	for i := range rounds {
		roles := []domain.Role{domain.RoleKnown, domain.RoleUnknown}
		if i%2 == 1 {
			slices.Reverse(roles) // the same images take both roles
		}
		composer.lay(compose(domain.TypeTranscription, images, cast{"", roles, false}))
		c := v.Ask("")
		for _, n := range rand.Perm(2) {
			began := time.Now()
			if got := v.Get(c.Images[n].URL); got.Status != http.StatusOK {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
			took := time.Since(began).Seconds()
			if roles[n] == domain.RoleKnown {
				known = append(known, took)
			} else {
				unknown = append(unknown, took)
			}
		}
	}
	slower, sigmas := ranks(known, unknown)
	t.Logf("known: median %.0f µs, unknown: %.0f µs; known ones are slower in %.3f of pairs (%.1f standard deviations)", 1e6*median(known), 1e6*median(unknown), slower, sigmas)
	if !programtest.RaceEnabled && (slower < 0.5-timingBar || slower > 0.5+timingBar) {
		t.Error("how long a picture takes tells its role")
	}
}

// ranks gives the share of pairs in which one of a is larger than one of b,
// ties being half, and by how many standard deviations of chance it is off 0.5:
// the statistic of Mann and Whitney over the number of pairs.
func ranks(a, b []float64) (share, sigmas float64) {
	sorted := slices.Sorted(slices.Values(b))
	for _, x := range a {
		at, _ := slices.BinarySearch(sorted, x)
		end := at
		for end < len(sorted) && sorted[end] == x {
			end++
		}
		share += float64(at) + float64(end-at)/2
	}
	n, m := float64(len(a)), float64(len(b))
	share /= n * m
	return share, (share - 0.5) / math.Sqrt((n+m+1)/(12*n*m))
}

func median(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }

// TestRanks holds the statistic against cases that are worked out by hand.
func TestRanks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2}, []float64{3, 4}, 0}, {[]float64{3, 4}, []float64{1, 2}, 1},
		{[]float64{1, 1}, []float64{1, 1}, 0.5}, {[]float64{2}, []float64{1, 2, 3, 4}, 0.375},
	} {
		if got, _ := ranks(c.a, c.b); got != c.want {
			t.Errorf("ranks(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
