package projections

import (
	"slices"
	"time"

	"ocapi/domain"
)

// Spread is how evenly the images of one role were shown: the number of images,
// and how often one of them was, at least, in the middle and at most.
type Spread struct {
	Images           int
	Least, Mid, Most int
}

// Evenness says what somebody learns who has counted how often each image of a
// type came, in the generations that are dealt at present.
type Evenness struct {
	Type domain.ChallengeType
	// Known are images with a known role in their generation, Unknown those that
	// had none but unknown, and Sentinel the rest.
	Known, Unknown, Sentinel Spread
	// AUC is the probability that, of a known image and another one of the same
	// generation and keyword, the known one was shown more often, where a draw
	// counts one half. 0.5 tells nothing; 0 tells as much as 1.
	AUC float64
	// Pairs is how many such pairs there are; without any AUC means nothing.
	Pairs uint64
}

// presentFor is how long a generation that was dealt from is called present.
const presentFor = tick(time.Hour / tickLength)

// Evenness judges each type that was dealt, in the generations that were dealt
// from in the hour before the latest event, or last. It goes through all images
// and sorts those of the present.
func (f *Frequency) Evenness() []Evenness {
	f.mu.RLock()
	defer f.mu.RUnlock()
	present := f.generations.present(f.clock)
	type group struct{ generation, keyword uint32 }
	groups := map[group]*[3][]uint32{} // counts: of known, unknown, sentinel
	for i := range f.images.cells {
		c := &f.images.cells[i]
		if !present[c.generation] {
			continue
		}
		key := group{c.generation, c.keyword}
		g := groups[key]
		if g == nil {
			g = &[3][]uint32{}
			groups[key] = g
		}
		class := classOf(c.roles)
		g[class] = append(g[class], c.inGeneration)
	}
	var list []Evenness
	for kind := range domain.ChallengeType(kindCount) {
		e := Evenness{Type: kind}
		var all [3][]uint32
		wins := 0.0
		for key, g := range groups {
			if f.generations.rows[key.generation].kind != kind {
				continue
			}
			others := append(slices.Clone(g[1]), g[2]...)
			wins += winsOf(g[0], others)
			e.Pairs += uint64(len(g[0])) * uint64(len(others))
			for class := range all {
				all[class] = append(all[class], g[class]...)
			}
		}
		e.Known, e.Unknown, e.Sentinel = spreadOf(all[0]), spreadOf(all[1]), spreadOf(all[2])
		if e.Known.Images+e.Unknown.Images+e.Sentinel.Images == 0 {
			continue
		}
		if e.Pairs > 0 {
			e.AUC = wins / float64(e.Pairs)
		}
		list = append(list, e)
	}
	return list
}

// present marks the generations that are dealt at present.
func (g *generations) present(now tick) []bool {
	marks := make([]bool, len(g.rows))
	var latest [kindCount]int // row + 1
	for i := range g.rows {
		row := &g.rows[i]
		marks[i] = row.last+presentFor >= now
		if l := &latest[row.kind]; *l == 0 || row.last >= g.rows[*l-1].last {
			*l = i + 1
		}
	}
	for _, l := range latest {
		if l > 0 {
			marks[l-1] = true
		}
	}
	return marks
}

// classOf sorts an image by the roles that it had: 0 known, 1 unknown, 2
// sentinel.
func classOf(roles uint8) int {
	has := func(r domain.Role) bool {
		i, _ := roleIndex(r)
		return roles&(1<<i) != 0
	}
	switch {
	case has(domain.RoleKnown):
		return 0
	case has(domain.RoleUnknown):
		return 1
	}
	return 2
}

// winsOf counts the pairs in which the first list has the larger number, and
// draws as one half.
func winsOf(a, b []uint32) float64 {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	wins := 0.0
	below, upTo := 0, 0 // how many of b are below the number, and not above it
	for _, n := range a {
		for below < len(b) && b[below] < n {
			below++
		}
		for upTo < len(b) && b[upTo] <= n {
			upTo++
		}
		wins += float64(below) + float64(upTo-below)/2
	}
	return wins
}

func spreadOf(counts []uint32) Spread {
	if len(counts) == 0 {
		return Spread{}
	}
	slices.Sort(counts)
	return Spread{Images: len(counts), Least: int(counts[0]), Mid: int(counts[len(counts)/2]), Most: int(counts[len(counts)-1])}
}
