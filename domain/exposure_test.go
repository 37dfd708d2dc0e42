//go:build !race

// What is only counted here has no two goroutines on one pool, and takes minutes
// under the race detector.

package domain_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ocapi/domain"
	"ocapi/simulation"
)

// milestones are the numbers of challenges after which a watcher is measured;
// the last is the default horizon.
var milestones = []int{500, 2000, 5000, 20_000}

// TestNobodyTells has the watchers of package simulation look at 20,000 challenges, dealt from plans and,
// beside it, as one would naively deal them: there they have to succeed, or they
// would prove nothing.
func TestNobodyTells(t *testing.T) {
	t.Parallel()
	const runs = 4 // averaged, so that chance is not taken for a leak
	texts, pictures := textImages(1000, 50_000), shipImages(900, 1200, 50_000)
	type dealing func(t *testing.T, seed uint64) func() domain.Composition
	tests := map[string]struct {
		deal dealing
		// told are bounds of the largest |AUC-0.5| of all watchers but the spectral
		// one, at each milestone; least above 0 is where they have to succeed.
		least, most [4]float64
	}{
		"texts on sheets": {
			deal: func(t *testing.T, seed uint64) func() domain.Composition {
				return dealt(t, texts, domain.TypeTranscription, seed)
			},
			most: [4]float64{0.05, 0.05, 0.05, 0.05},
		},
		"texts of all sorts": {
			deal: func(t *testing.T, seed uint64) func() domain.Composition {
				return dealt(t, decidedSomehow(textImages(1000, 10_000)), domain.TypeTranscription, seed)
			},
			most: [4]float64{0.05, 0.05, 0.05, 0.05},
		},
		"pictures of all sorts": {
			deal: func(t *testing.T, seed uint64) func() domain.Composition {
				return dealt(t, decidedSomehow(shipImages(900, 1200, 10_000)), domain.TypeClassification, seed)
			},
			most: [4]float64{0.05, 0.05, 0.05, 0.05},
		},
		"texts naively": {
			deal: func(_ *testing.T, seed uint64) func() domain.Composition {
				return naive(texts, []slot{{isKnown, 1}, {isKnown, 0.118}}, seed)
			},
			least: [4]float64{0.1, 0.3, 0.45, 0.49}, most: [4]float64{0.2, 0.4, 0.5, 0.5},
		},
		"pictures on tables": {
			deal: func(t *testing.T, seed uint64) func() domain.Composition {
				return dealt(t, pictures, domain.TypeClassification, seed)
			},
			most: [4]float64{0.05, 0.05, 0.05, 0.05},
		},
		"pictures naively": {
			deal: func(_ *testing.T, seed uint64) func() domain.Composition {
				slots := slices.Concat(slices.Repeat([]slot{{isMatch, 1}}, 3), slices.Repeat([]slot{{isNonMatch, 1}}, 4), slices.Repeat([]slot{{isKnown, 0.118}}, 2))
				return naive(pictures, slots, seed)
			},
			least: [4]float64{0.3, 0.45, 0.49, 0.49}, most: [4]float64{0.5, 0.5, 0.5, 0.5},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var watchers []simulation.Watcher
			sums := make([][4]float64, 3)
			for seed := range uint64(runs) {
				next, sight := tt.deal(t, seed), simulation.NewSight()
				watchers = []simulation.Watcher{&simulation.Frequency{}, &simulation.Lifetime{}, &simulation.Degree{}}
				for i, n := range milestones {
					for len(sight.Challenges) < n {
						c := sight.Add(next(), time.Duration(len(sight.Challenges))*time.Second)
						for _, w := range watchers {
							w.See(c)
						}
					}
					for k, w := range watchers {
						sums[k][i] += w.Guess(sight).AUC.Value
					}
				}
			}
			var worst [4]float64
			for k, w := range watchers {
				line := fmt.Sprintf("%-12s", w.Name())
				for i := range milestones {
					worst[i] = max(worst[i], math.Abs(sums[k][i]/runs-0.5))
					line += fmt.Sprintf("  %.3f", sums[k][i]/runs)
				}
				t.Log(line)
			}
			for i, n := range milestones {
				if worst[i] < tt.least[i] || worst[i] > tt.most[i] {
					t.Errorf("after %d challenges |AUC-0.5| is %.3f for the best watcher, want %.2f to %.2f", n, worst[i], tt.least[i], tt.most[i])
				}
			}
		})
	}
}

// TestWhoMeetsWhomTellsNothing looks at co-occurrence within one generation,
// which is where it could tell: no image meets one of another. Beside ours there
// is what comes to mind first, three decks that are dealt in lockstep, three
// matches, four non-matches and two unknown ones to each board: exposures are
// even there, and yet all roles follow from who meets whom.
func TestWhoMeetsWhomTellsNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		images      []domain.Image
		least, most float64 // of |AUC-0.5| at the end of the generation
		decks       bool
		runs        int // the more the fewer images there are
	}{
		"texts":                {textImages(1000, 2000), 0, 0.05, false, 4},
		"pictures, few":        {shipImages(810, 1080, 540), 0, 0.05, false, 6},
		"pictures, many":       {shipImages(1500, 2000, 1000), 0, 0.05, false, 3},
		"pictures, too few":    {shipImages(60, 80, 40), 0, 0.05, false, 24},
		"three decks, few":     {shipImages(810, 1080, 540), 0.49, 0.5, true, 2},
		"three decks, too few": {shipImages(60, 80, 40), 0.49, 0.5, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var halves [2]float64
			challenges := 0
			for seed := range uint64(tt.runs) {
				p := newPool(t, domain.DefaultDealing(), tt.images)
				r := newRun(t, p, p.Types()[0], seed)
				next := func() domain.Composition { return r.deck.Compose(r.rng) }
				challenges = int(r.deck.Life())
				if tt.decks {
					boards := threeDecks(r.recent[0], r.rng)
					challenges = len(boards)
					next = func() domain.Composition { c := boards[0]; boards = boards[1:]; return c }
				}
				sight, watcher := simulation.NewSight(), simulation.NewSpectral(seed)
				for i := range halves {
					for len(sight.Challenges) < challenges*(i+1)/2 {
						sight.Add(next(), 0)
					}
					halves[i] += watcher.Guess(sight).AUC.Value / float64(tt.runs)
				}
			}
			t.Logf("AUC %.3f after the halves of %d challenges", halves, challenges)
			if told := math.Abs(halves[1] - 0.5); told < tt.least || told > tt.most {
				t.Errorf("|AUC-0.5| is %.3f, want %.2f to %.2f", told, tt.least, tt.most)
			}
		})
	}
}

// dealt gives what is dealt from plans.
func dealt(t *testing.T, images []domain.Image, asked domain.ChallengeType, seed uint64) func() domain.Composition {
	t.Helper()
	r := newRun(t, newPool(t, domain.DefaultDealing(), images), asked, seed)
	return func() domain.Composition { return r.next(t) }
}

// decidedSomehow has votes decide all that they can about some of the images, and
// plans prefer some to others.
func decidedSomehow(images []domain.Image) []domain.Image {
	rng := dice(7)
	for i := range images {
		im := &images[i]
		d := domain.Decision{Status: domain.QuestionSettled, Proven: rng.IntN(2) == 0, Truth: domain.Truth{Kind: domain.TruthMatch, Match: rng.IntN(2) == 0}}
		if im.Type == domain.TypeClassification {
			d.Keyword = "ship"
		} else {
			d.Truth = domain.Truth{Kind: domain.TruthText, Text: word(20_000 + i)}
		}
		switch x := rng.Float64(); {
		case im.Known && x < 0.05:
			d.Status = domain.QuestionRefuted
		case im.Known:
			continue
		case x < 0.1: // settled
		case x < 0.15:
			d.Status = domain.QuestionDisputed
		case x < 0.2:
			d.Status = domain.QuestionUnreadable
		default:
			im.Need = uint8(rng.IntN(4))
			continue
		}
		if d.Status != domain.QuestionSettled {
			d.Truth, d.Proven = domain.Truth{}, false
		}
		im.Decided = []domain.Decision{d}
	}
	return images
}

// shown is a challenge of these images, of which these are known.
func shown(ids []domain.ImageID, known func(i int) bool) domain.Composition {
	c := domain.Composition{Positions: make([]domain.Position, len(ids))}
	for i, id := range ids {
		c.Positions[i] = domain.Position{Image: id, Role: domain.RoleUnknown}
		if known(i) {
			c.Positions[i].Role = domain.RoleKnown
		}
	}
	return c
}

// slot is filled, with a probability, with an image of the sort, else with an
// unknown one.
type slot struct {
	sort        func(*domain.Image) bool
	probability float64
}

func isKnown(im *domain.Image) bool    { return im.Known }
func isMatch(im *domain.Image) bool    { return im.Known && im.Shows("ship") }
func isNonMatch(im *domain.Image) bool { return im.Known && !im.Shows("ship") }

// naive draws each image from all of its sort, independently.
func naive(images []domain.Image, slots []slot, seed uint64) func() domain.Composition {
	pick := func(sort func(*domain.Image) bool) []*domain.Image {
		var list []*domain.Image
		for i := range images {
			if sort(&images[i]) {
				list = append(list, &images[i])
			}
		}
		return list
	}
	unknown := pick(func(im *domain.Image) bool { return !im.Known })
	lists := make([][]*domain.Image, len(slots))
	for i, s := range slots {
		lists[i] = pick(s.sort)
	}
	rng := dice(seed)
	return func() domain.Composition {
		ids, known := make([]domain.ImageID, len(slots)), make([]bool, len(slots))
		for i := range slots {
			from := unknown
			if rng.Float64() < slots[i].probability {
				from = lists[i]
			}
			im := from[rng.IntN(len(from))]
			ids[i], known[i] = im.ID, im.Known
		}
		return shown(ids, func(i int) bool { return known[i] })
	}
}

// threeDecks deals a plan's pictures from a deck for each part, one wholly known
// board in ten.
func threeDecks(plan *domain.Plan, rng *rand.Rand) (all []domain.Composition) {
	var matches, nonMatches, unknown []domain.ImageID
	for i := range plan.Sheets {
		for _, c := range plan.Sheets[i].Cards {
			switch c.Part {
			case domain.PartMatch, domain.PartSentinel:
				matches = append(matches, c.Image)
			case domain.PartNonMatch:
				nonMatches = append(nonMatches, c.Image)
			default:
				unknown = append(unknown, c.Image)
			}
		}
	}
	boards := plan.Cycle() * 9 / 10
	wholly := boards / 10
	for range plan.Votes {
		for _, deck := range [][]domain.ImageID{matches, nonMatches, unknown} {
			rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		m, n, u := matches, nonMatches, unknown
		take := func(from *[]domain.ImageID, k int) []domain.ImageID {
			taken := (*from)[:k]
			*from = (*from)[k:]
			return taken
		}
		for i := range boards {
			board := slices.Concat(take(&m, 3), take(&n, 4))
			if i < wholly {
				board = slices.Concat(board, take(&m, 1), take(&n, 1))
			} else {
				board = slices.Concat(board, take(&u, 2))
			}
			unknown := map[domain.ImageID]bool{}
			if i >= wholly {
				unknown[board[7]], unknown[board[8]] = true, true
			}
			rng.Shuffle(len(board), func(i, j int) { board[i], board[j] = board[j], board[i] })
			all = append(all, shown(board, func(i int) bool { return !unknown[board[i]] }))
		}
	}
	return all
}
