package voices

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// The form of a clip.
const (
	frameLen = sampleRate / 100 // of 10 ms, in which loudness is measured

	clipLevel = 2600  // root mean square of its loud parts: 22 dB below the loudest there can be
	clipPeak  = 24000 // leaves room for what is mixed in

	minClip = sampleRate / 10     // 100 ms; what is shorter is a click
	maxClip = 5 * sampleRate / 2  // 2.5 s; what is longer is no letter, digit or word
	before  = sampleRate / 50     // kept before the first loud part: soft consonants
	after   = 3 * sampleRate / 50 // kept after the last
	fade    = sampleRate / 200    // 5 ms at both ends, so that nothing clicks
)

// Prepare brings a WAV file to the form of a clip: 11,025 Hz, 16 bits, mono,
// silence cut off, equally loud, faded at both ends. Its errors say what is
// wrong with the recording.
func Prepare(wav []byte) ([]int16, error) {
	r, err := parseWAV(wav)
	if err != nil {
		return nil, err
	}
	samples := r.samples
	if r.rate != sampleRate {
		samples = resample(samples, r.rate)
	}
	if samples, err = trim(samples); err != nil {
		return nil, err
	}
	return level(samples), nil
}

// loudness gives the root mean square of each frame.
func loudness(samples []float64) []float64 {
	frames := make([]float64, len(samples)/frameLen)
	for i := range frames {
		sum := 0.0
		for _, v := range samples[i*frameLen : (i+1)*frameLen] {
			sum += float64(v * v) // rounded at once: the same on every processor
		}
		frames[i] = math.Sqrt(sum / frameLen)
	}
	return frames
}

// trim takes off the mean, and cuts off silence before and after.
func trim(samples []float64) ([]float64, error) {
	mean := 0.0
	for _, v := range samples {
		mean += v
	}
	mean /= float64(max(1, len(samples)))
	level := make([]float64, len(samples))
	for i, v := range samples {
		level[i] = v - mean
	}
	frames := loudness(level)
	if len(frames) == 0 {
		return nil, errors.New("it is empty")
	}
	loudest := slices.Max(frames)
	const audible = 0.003 // 50 dB below the loudest there can be
	if loudest < audible {
		return nil, errors.New("nothing is heard in it")
	}
	// Forty decibels below the loudest part is silence, and so is what is not
	// louder than the recording's own noise.
	quiet := slices.Sorted(slices.Values(frames))[len(frames)/10]
	silence := max(loudest/100, min(2*quiet, loudest/10))
	loud := func(v float64) bool { return v > silence }
	first, last := slices.IndexFunc(frames, loud), len(frames)-1
	for !loud(frames[last]) {
		last--
	}
	from, to := max(0, first*frameLen-before), min(len(level), (last+1)*frameLen+after)
	switch n := to - from; {
	case (last+1-first)*frameLen < minClip:
		return nil, fmt.Errorf("it is heard for %d ms only; it takes %d", (last+1-first)*1000*frameLen/sampleRate, 1000*minClip/sampleRate)
	case n > maxClip:
		return nil, fmt.Errorf("it is heard for %.1f seconds; one letter, digit or word takes at most %.1f", float64(n)/sampleRate, float64(maxClip)/sampleRate)
	}
	return level[from:to], nil
}

// level makes a clip as loud as all others, as far as its peaks allow, and
// fades its ends.
func level(samples []float64) []int16 {
	frames := loudness(samples)
	loudest := slices.Max(frames)
	sum, n, peak := 0.0, 0, 0.0
	for _, v := range frames {
		if v > loudest/10 {
			sum += float64(v * v)
			n++
		}
	}
	for _, v := range samples {
		peak = max(peak, math.Abs(v))
	}
	gain := min(clipLevel/math.Sqrt(sum/float64(n)), clipPeak/peak) // to 16-bit samples
	clip := make([]int16, len(samples))
	for i, v := range samples {
		at := min(i+1, len(samples)-i, fade)
		clip[i] = int16(math.Round(float64(v*gain) * float64(at) / fade))
	}
	return clip
}

// resample brings samples to our rate with a windowed sinc (Blackman's window, 16
// zero crossings on each side), so that nothing above 5.1 kHz folds back. The
// filter is tabled for the few phases that the two rates have.
func resample(samples []float64, rate int) []float64 {
	const crossings = 16
	common := gcd(rate, sampleRate)
	up, down := sampleRate/common, rate/common
	cutoff := min(1, 0.92*sampleRate/float64(rate)) // of the input's half rate
	half := int(math.Ceil(crossings / cutoff))
	table := make([][]float64, up)
	for phase := range table {
		taps := make([]float64, 2*half)
		sum := 0.0
		for k := range taps {
			x := float64(k-half+1) - float64(phase)/float64(up)
			taps[k] = sinc(cutoff*x) * blackman(x/float64(half))
			sum += taps[k]
		}
		for k := range taps {
			// Rounded, so that no processor's last digit shows in the result.
			taps[k] = math.Round(taps[k]/sum*(1<<24)) / (1 << 24)
		}
		table[phase] = taps
	}
	out := make([]float64, len(samples)*up/down)
	for i := range out {
		at, phase := i*down/up, i*down%up
		sum := 0.0
		for k, h := range table[phase] {
			if j := at + k - half + 1; j >= 0 && j < len(samples) {
				sum += float64(h * samples[j])
			}
		}
		out[i] = sum
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// blackman is Blackman's window from -1 to 1.
func blackman(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return 0.42 + 0.5*math.Cos(math.Pi*x) + 0.08*math.Cos(2*math.Pi*x)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
