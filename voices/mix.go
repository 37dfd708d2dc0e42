package voices

import (
	"hash/fnv"
	"math/bits"
	"math/rand/v2"
	"strings"

	"ocapi/domain"
)

// mixVersion is part of the name of voices in events. It changes when the same
// speech by the same clips becomes another sound.
const mixVersion = 1

// What is left to chance, from least to most. Times are in samples, gains and
// speeds in 1/65536.
const (
	leadLeast, leadMost = 350 * sampleRate / 1000, 600 * sampleRate / 1000
	// A gap is the time to understand a symbol and to type a letter; a slow one,
	// to type a word.
	gapLeast, gapMost   = 600 * sampleRate / 1000, 820 * sampleRate / 1000
	slowLeast, slowMost = 1400 * sampleRate / 1000, 1800 * sampleRate / 1000
	tail                = 400 * sampleRate / 1000

	speedLeast, speedMost = 58982, 72090 // ten per cent slower to faster, and deeper to higher
	gainLeast, gainMost   = 55142, 77888 // 1.5 dB softer to louder

	// The murmur is 19 to 15 dB below the speech: heard, and no strain. The noise
	// is 35 dB below it, because it would hide the hissing of an s first.
	murmurLeast, murmurMost = 4200, 6600 // of each of its streams
	murmurStreams           = 3
	noiseLeast, noiseMost   = 30, 60 // amplitude of white noise before it is softened

	edge = sampleRate / 5 // the background comes and goes within 200 ms
)

// chance draws numbers: the same from the same seed, for ever. The generator
// is fixed by its paper (O'Neill 2014, PCG-DXSM as in math/rand/v2); how its
// numbers are brought into a range is ours, because the library may change its
// way.
type chance struct{ source *rand.PCG }

// The purposes of numbers. Each has its own row, so that longer pauses change
// the pauses only.
const (
	forCast uint64 = iota + 1
	forSpeech
	forPauses
	forMurmur
	forNoise
)

func newChance(s domain.Speech, purpose uint64) chance {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.Language + " " + strings.Join(s.Symbols, " "))) // documented never to fail
	return chance{rand.NewPCG(uint64(s.Seed)<<8|purpose, h.Sum64())}
}

// below draws from 0 to n-1; n is positive.
func (c chance) below(n int) int {
	high, _ := bits.Mul64(c.source.Uint64(), uint64(n)) //nolint:gosec // positive
	return int(high)                                    //nolint:gosec // below n
}

func (c chance) between(least, most int) int { return least + c.below(most-least+1) }

// mix makes the sound of a speech out of one clip for each symbol. murmur are
// the clips that are heard behind; none: only noise.
func mix(s domain.Speech, said []*clip, murmur []*clip) []int16 {
	speech, pauses := newChance(s, forSpeech), newChance(s, forPauses)
	spoken := make([][]int16, len(said))
	starts := make([]int, len(said))
	at := pauses.between(leadLeast, leadMost)
	for i, c := range said {
		spoken[i] = warp(c.play(), speech.between(speedLeast, speedMost))
		starts[i] = at
		at += len(spoken[i])
		gap := pauses.between(gapLeast, gapMost)
		if s.Slow {
			gap = pauses.between(slowLeast, slowMost)
		}
		if i < len(said)-1 {
			at += gap
		}
	}
	sum := make([]int32, at+tail)
	addMurmur(sum, murmur, newChance(s, forMurmur))
	addNoise(sum, newChance(s, forNoise))
	for i := range edge {
		sum[i] = sum[i] * int32(i) / edge
		last := len(sum) - 1 - i
		sum[last] = sum[last] * int32(i) / edge
	}
	for i := range spoken {
		add(sum[starts[i]:], spoken[i], speech.between(gainLeast, gainMost))
	}
	out := make([]int16, len(sum))
	for i, v := range sum {
		out[i] = int16(max(-1<<15, min(1<<15-1, v)))
	}
	return out
}

// add mixes in samples with a gain, as far as there is room.
func add(sum []int32, samples []int16, gain int) {
	for i := range min(len(sum), len(samples)) {
		sum[i] += int32(int64(samples[i]) * int64(gain) >> 16)
	}
}

// addMurmur fills the sound with speech that is no speech: recordings played
// backwards, several at once.
func addMurmur(sum []int32, clips []*clip, draw chance) {
	if len(clips) == 0 {
		return
	}
	for range murmurStreams {
		gain := draw.between(murmurLeast, murmurMost)
		for at := 0; at < len(sum); {
			samples := warp(clips[draw.below(len(clips))].play(), draw.between(speedLeast, speedMost))
			for i, j := 0, len(samples)-1; i < j; i, j = i+1, j-1 {
				samples[i], samples[j] = samples[j], samples[i]
			}
			add(sum[at:], samples, gain)
			at += len(samples)
		}
	}
}

// addNoise adds noise that is softer at high frequencies: the mean of two
// neighbours and of the last value.
func addNoise(sum []int32, draw chance) {
	amplitude := draw.between(noiseLeast, noiseMost)
	last := 0
	for i := range sum {
		last = (last + draw.between(-amplitude, amplitude)*2) / 2
		sum[i] += int32(last) //nolint:gosec // a few hundred
	}
}

// warp plays samples faster (more than 65536) or slower, and higher or deeper
// with it. Between samples it goes by a cubic through the four nearest
// (Catmull and Rom 1974), in whole numbers.
func warp(samples []int16, speed int) []int16 {
	at := func(i int) int64 {
		if i < 0 || i >= len(samples) {
			return 0
		}
		return int64(samples[i])
	}
	out := make([]int16, len(samples)<<16/speed)
	for i := range out {
		position := i * speed
		n, t := position>>16, int64(position&0xffff)>>1 // t in 1/32768
		p0, p1, p2, p3 := at(n-1), at(n), at(n+1), at(n+2)
		v := (3*(p1-p2) + p3 - p0) * t >> 15
		v = (v + 2*p0 - 5*p1 + 4*p2 - p3) * t >> 15
		v = (v + p2 - p0) * t >> 16
		out[i] = int16(max(-1<<15, min(1<<15-1, p1+v)))
	}
	return out
}
