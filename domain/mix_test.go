package domain_test

import (
	"math"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"ocapi/domain"
)

func TestBlindGuess(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mix  domain.Mix
		want float64
	}{
		"3/4/2":  {domain.Mix{Matches: 3, NonMatches: 4, Unknown: 2}, 1.0 / 63},
		"1/1/0":  {domain.Mix{Matches: 1, NonMatches: 1}, 1.0 / 2},
		"1/1/1":  {domain.Mix{Matches: 1, NonMatches: 1, Unknown: 1}, 1.0 / 3},
		"2/2/0":  {domain.Mix{Matches: 2, NonMatches: 2}, 1.0 / 6},
		"5/4/0":  {domain.Mix{Matches: 5, NonMatches: 4}, 1.0 / 126},
		"all":    {domain.Mix{Matches: 4}, 1},
		"4/4/4":  {domain.Mix{Matches: 4, NonMatches: 4, Unknown: 4}, 6.0 / 924},
		"7/1/1":  {domain.Mix{Matches: 7, NonMatches: 1, Unknown: 1}, 1.0 / 9},
		"1/7/1":  {domain.Mix{Matches: 1, NonMatches: 7, Unknown: 1}, 1.0 / 9},
		"1/20/9": {domain.Mix{Matches: 1, NonMatches: 20, Unknown: 9}, 1.0 / 30},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tt.mix.BlindGuess()
			if math.Abs(got-tt.want) > 1e-12 {
				t.Errorf("BlindGuess = %v, want %v", got, tt.want)
			}
			if counted := countBlindGuess(tt.mix); math.Abs(got-counted) > 1e-12 {
				t.Errorf("BlindGuess = %v, counted %v", got, counted)
			}
		})
	}
}

// countBlindGuess counts, for every number k of images to select, the
// selections of k images that pass, and gives the best share. Images are bits:
// matches first, then unknown ones.
func countBlindGuess(m domain.Mix) float64 {
	total := int(m.Matches) + int(m.NonMatches) + int(m.Unknown)
	if total > 16 {
		return m.BlindGuess() // too many to count
	}
	passes, all := make([]float64, total+1), make([]float64, total+1)
	matches := uint32(1)<<m.Matches - 1
	nonMatches := (uint32(1)<<m.NonMatches - 1) << (m.Matches + m.Unknown)
	for selected := range uint32(1) << total {
		k := 0
		for i := range total {
			k += int(selected >> i & 1)
		}
		all[k]++
		if selected&matches == matches && selected&nonMatches == 0 {
			passes[k]++
		}
	}
	best := 0.0
	for k := range all {
		best = max(best, passes[k]/all[k])
	}
	return best
}

func TestDealingValidate(t *testing.T) {
	t.Parallel()
	with := func(change func(*domain.Dealing)) domain.Dealing {
		d := domain.DefaultDealing()
		change(&d)
		return d
	}
	mix := func(matches, nonMatches, unknown uint8) domain.Dealing {
		return with(func(d *domain.Dealing) {
			d.Classification = domain.Mix{Matches: matches, NonMatches: nonMatches, Unknown: unknown}
		})
	}
	tests := map[string]struct {
		dealing domain.Dealing
		names   string // empty: valid
	}{
		"default":                  {domain.DefaultDealing(), ""},
		"no extras":                {with(func(d *domain.Dealing) { d.WhollyKnownShare, d.SentinelShare = 0, 0 }), ""},
		"as many unknown as known": {mix(4, 4, 8), ""},
		"most images":              {mix(10, 20, 6), ""},
		"zero":                     {domain.Dealing{}, "at least one match"},
		"no match":                 {mix(0, 7, 2), "at least one match"},
		"no non-match":             {mix(7, 0, 2), "at least one match"},
		"no unknown":               {mix(4, 5, 0), "at least one match"},
		"more unknown than known":  {mix(3, 4, 8), "fewer known than unknown"},
		"guessed too easily":       {mix(1, 4, 2), "blind guesses"},
		"too many images":          {mix(10, 20, 7), "at most 36"},
		"so many that bytes wrap":  {mix(128, 128, 1), "at most 36"},
		"wholly known always":      {with(func(d *domain.Dealing) { d.WhollyKnownShare = 1 }), "wholly known share"},
		"wholly known negative":    {with(func(d *domain.Dealing) { d.WhollyKnownShare = -0.1 }), "wholly known share"},
		"wholly known no number":   {with(func(d *domain.Dealing) { d.WhollyKnownShare = math.NaN() }), "wholly known share"},
		"sentinels always":         {with(func(d *domain.Dealing) { d.SentinelShare = 1 }), "sentinel share"},
		"sentinels negative":       {with(func(d *domain.Dealing) { d.SentinelShare = -1 }), "sentinel share"},
		"sentinels no number":      {with(func(d *domain.Dealing) { d.SentinelShare = math.NaN() }), "sentinel share"},
		"no horizon":               {with(func(d *domain.Dealing) { d.Horizon = 0 }), "horizon"},
		"a horizon beyond all":     {with(func(d *domain.Dealing) { d.Horizon = 1 << 40 }), "horizon"},
		"mixed, guessed easily":    {mix(2, 8, 2), "2.5 % of blind guesses"},
		"sentinels without end":    {with(func(d *domain.Dealing) { d.SentinelShare = math.Inf(1) }), "sentinel share"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.dealing.Validate()
			if tt.names == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.names) {
				t.Errorf("Validate = %v; it should name %q", err, tt.names)
			}
			if _, poolErr := domain.NewPool(tt.dealing, nil, nil); (poolErr == nil) != (err == nil) {
				t.Errorf("NewPool = %v, Validate = %v", poolErr, err)
			}
		})
	}
}

// TestBlindGuessOfMixed counts boards that are drawn one picture after another.
func TestBlindGuessOfMixed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*domain.Dealing){
		"default":           func(*domain.Dealing) {},
		"much wholly known": func(d *domain.Dealing) { d.WhollyKnownShare = 0.5 },
		"larger":            func(d *domain.Dealing) { d.Classification = domain.Mix{Matches: 4, NonMatches: 6, Unknown: 6} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := domain.DefaultDealing()
			change(&d)
			m := d.Classification
			size := int(m.Matches + m.NonMatches + m.Unknown)
			open := math.Min(float64(m.Unknown)/float64(size), 1-math.Pow(d.WhollyKnownShare, 1/float64(size)))
			match := (1 - open) * float64(m.Matches) / float64(m.Matches+m.NonMatches)
			const boards = 300_000
			rng := dice(5)
			passes, dealt := make([]int, size+1), 0
			for range boards {
				matches, opened := uint32(0), uint32(0)
				for i := range size {
					switch x := rng.Float64(); {
					case x < match:
						matches |= 1 << i
					case x < match+open:
						opened |= 1 << i
					}
				}
				known := size - bits.OnesCount32(opened)
				if matches == 0 || bits.OnesCount32(matches) == known || 2*known < size {
					continue
				}
				dealt++
				// Whoever selects the first k pictures.
				for k := range size + 1 {
					selected := uint32(1)<<k - 1
					if selected&matches == matches && selected&^(matches|opened) == 0 {
						passes[k]++
					}
				}
			}
			best := float64(slices.Max(passes)) / float64(dealt)
			if got := d.BlindGuess(); math.Abs(got-best) > 5*math.Sqrt(best/float64(dealt)) {
				t.Errorf("BlindGuess = %.5f, counted %.5f", got, best)
			}
		})
	}
}
