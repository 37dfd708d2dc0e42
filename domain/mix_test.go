package domain_test

import (
	"math"
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
			if _, poolErr := domain.NewPool(tt.dealing, nil, nil, dice(1)); (poolErr == nil) != (err == nil) {
				t.Errorf("NewPool = %v, Validate = %v", poolErr, err)
			}
		})
	}
}
