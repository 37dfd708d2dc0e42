package voices_test

import (
	"cmp"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ocapi/domain"
	"ocapi/voices"
)

// The attacker of these benchmarks has no training and no network: it cuts a
// sound at its pauses and compares each part with recordings that it has, by
// dynamic time warping (Sakoe and Chiba 1978) over mel-frequency cepstra (Davis
// and Mermelstein 1980). Speech recognition of today does better than that; what
// it reaches is the least that has to be expected.

const (
	spectrumLen = 256 // samples of a window: 23 ms
	spectrumHop = 128
	melBands    = 24
	cepstra     = 13
	// floor hides what is softer than the murmur behind the speech, in the
	// recordings too, so that silence is alike in both.
	floor = 3e6
)

// cepstrum describes a sound, window by window.
func cepstrum(samples []int16) [][cepstra]float64 {
	n := (len(samples) - spectrumLen) / spectrumHop
	out := make([][cepstra]float64, 0, max(0, n))
	for i := range n {
		window := make([]complex128, spectrumLen)
		for j := range window {
			window[j] = complex(float64(samples[i*spectrumHop+j])*(0.54-0.46*math.Cos(2*math.Pi*float64(j)/spectrumLen)), 0)
		}
		fft(window)
		out = append(out, fromSpectrum(window))
	}
	return out
}

func fromSpectrum(spectrum []complex128) (c [cepstra]float64) {
	mel := func(hertz float64) float64 { return 1127 * math.Log(1+hertz/700) }
	lowest, highest := mel(120), mel(5200)
	var bands [melBands]float64
	for k := 1; k < spectrumLen/2; k++ {
		at := (mel(float64(k)*11025/spectrumLen) - lowest) / (highest - lowest) * (melBands + 1)
		for b := range bands {
			if d := math.Abs(at - float64(b+1)); d < 1 {
				bands[b] += (1 - d) * real(spectrum[k]*cmplx.Conj(spectrum[k]))
			}
		}
	}
	for k := range c {
		for b, v := range bands {
			c[k] += math.Log(v+floor) * math.Cos(math.Pi*float64(k)*(float64(b)+0.5)/melBands)
		}
	}
	return c
}

// fft is the transform of Cooley and Tukey; the length is a power of two.
func fft(x []complex128) {
	if len(x) == 1 {
		return
	}
	even, odd := make([]complex128, len(x)/2), make([]complex128, len(x)/2)
	for i := range even {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	fft(even)
	fft(odd)
	for i := range even {
		turned := cmplx.Rect(1, -2*math.Pi*float64(i)/float64(len(x))) * odd[i]
		x[i], x[i+len(x)/2] = even[i]+turned, even[i]-turned
	}
}

// warped is how far two sounds are apart, however fast each is spoken.
func warped(a, b [][cepstra]float64) float64 {
	if len(a) == 0 || len(b) == 0 || len(a) > 2*len(b) || len(b) > 2*len(a) {
		return math.Inf(1)
	}
	row := make([]float64, len(b)+1)
	for j := range row[1:] {
		row[j+1] = math.Inf(1)
	}
	for i := range a {
		diagonal := row[0]
		row[0] = math.Inf(1)
		for j := range b {
			sum := 0.0
			for k := range cepstra {
				sum += (a[i][k] - b[j][k]) * (a[i][k] - b[j][k])
			}
			best := min(diagonal, row[j], row[j+1])
			diagonal, row[j+1] = row[j+1], best+math.Sqrt(sum)
		}
	}
	return row[len(b)] / float64(len(a)+len(b))
}

// cut gives the parts of a sound between its pauses: the loudest stretches, as
// many as there are symbols.
func (h heard) cut(n int) [][]int16 {
	const step, pause, loud = 110, 16, 420
	type span struct{ from, to int }
	var spans []span
	quiet := pause
	for at := 0; at+step <= len(h.samples); at += step {
		if h.level(float64(at)/float64(h.rate), float64(at+step)/float64(h.rate)) < loud {
			quiet++
			continue
		}
		if quiet >= pause {
			spans = append(spans, span{at, at})
		}
		spans[len(spans)-1].to, quiet = at+step, 0
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(b.to-b.from, a.to-a.from) })
	spans = spans[:min(n, len(spans))]
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var parts [][]int16
	for _, s := range spans {
		parts = append(parts, h.samples[max(0, s.from-200):min(len(h.samples), s.to+500)])
	}
	return parts
}

// recogniser knows recordings.
type recogniser struct {
	clips []voices.Clip
	known [][][cepstra]float64
}

func newRecogniser(clips []voices.Clip) *recogniser {
	r := &recogniser{clips: clips}
	for _, c := range clips {
		r.known = append(r.known, cepstrum(c.Samples))
	}
	return r
}

// recognise says what a part comes nearest to, by speakers that usable allows.
func (r *recogniser) recognise(part []int16, usable func(speaker string) bool) string {
	features := cepstrum(part)
	best, symbol := math.Inf(1), ""
	for i, c := range r.clips {
		if usable(c.Speaker) {
			if d := warped(features, r.known[i]); d < best {
				best, symbol = d, c.Symbol
			}
		}
	}
	return symbol
}

// BenchmarkAttack says how much of the challenges an attacker reads: one that
// has our recordings, and one that has only those of other speakers.
//
//	go test ./voices -run xxx -bench Attack -benchtime 40x
func BenchmarkAttack(b *testing.B) {
	v := open(b)
	for _, language := range voices.Languages() {
		r := newRecogniser(voices.Clips(v, language))
		for _, attacker := range []string{"our-recordings", "other-speakers"} {
			b.Run(language+"/"+attacker, func(b *testing.B) {
				a := alphabet(b, v, language)
				rng := rand.New(rand.NewPCG(1, 2))
				symbols, read, solved, challenges := 0, 0, 0, 0
				taken := map[string]int{}
				for b.Loop() {
					speech := compose(a, rng)
					sound, err := v.Speak(b.Context(), speech)
					if err != nil {
						b.Fatal(err)
					}
					speaker := voices.Cast(v, speech)[0]
					usable := func(s string) bool { return attacker == "our-recordings" || s != speaker }
					var got []string
					for _, part := range decode(b, sound.Bytes).cut(a.Length()) {
						got = append(got, r.recognise(part, usable))
					}
					for i, s := range speech.Symbols {
						symbols++
						switch {
						case i >= len(got):
						case got[i] == s:
							read++
						default:
							taken[s+" for "+got[i]]++
						}
					}
					challenges++
					if domain.Heard(language, strings.Join(speech.Symbols, " "), strings.Join(got, " ")) {
						solved++
					}
				}
				b.ReportMetric(100*float64(read)/float64(symbols), "%-symbols")
				b.ReportMetric(100*float64(solved)/float64(challenges), "%-challenges")
				b.Logf("taken for others: %v", taken)
			})
		}
	}
}
