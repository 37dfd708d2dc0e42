package consensus

import "math/bits"

// Decisions have to be the same on every machine, so everything that a decision
// follows from is reckoned in whole numbers: the library's logarithm and
// exponential differ in their last bit from one processor to the next.

// nats is a logarithm in units of 2^-28 nat.
type nats int64

const (
	natBits = 28 // of a nats behind the point
	oneNat  = nats(1) << natBits
	ln2     = nats(186065279) // ln 2 · 2^28, rounded

	// A weight is a share of one in units of 2^-60: eight of them can be added.
	weightBits = 60
	oneWeight  = uint64(1) << weightBits

	// What is further below the heaviest than this weighs nothing.
	negligible = 40 * oneNat
)

// logOf gives ln x by the squaring method: the mantissa is squared once for each
// binary digit of the logarithm, which is 1 when the square passes 2. x is not 0.
func logOf(x uint64) nats {
	n := bits.Len64(x) - 1
	mantissa := x << (63 - n)
	log2 := int64(n)
	for range natBits {
		hi, lo := bits.Mul64(mantissa, mantissa)
		log2 <<= 1
		if hi>>63 == 1 {
			log2++
			mantissa = hi
		} else {
			mantissa = hi<<1 | lo>>63
		}
	}
	return nats((log2*int64(ln2) + 1<<(natBits-1)) >> natBits)
}

// powers are e^-(2^(i-28)) in units of 2^-64.
var powers = expPowers()

func expPowers() [natBits + 6]uint64 {
	var p [natBits + 6]uint64
	for i := range p {
		if i > natBits { // e^-2y is the square of e^-y
			p[i], _ = bits.Mul64(p[i-1], p[i-1])
			continue
		}
		// The exponential series 1 - y + y²/2 - …; the leading 1 is 2^64, which is
		// 0 here, and comes back as the difference wraps.
		y := uint64(1) << (64 - natBits + i - 1) // y/2, for y may be 1
		term, sum := y<<1, -(y << 1)
		if i == natBits {
			term, sum = 1<<63, 0 // y²/2 and 1 - y of y = 1
			sum += term
			for k := uint64(3); term > 0; k++ {
				term /= k
				if k%2 == 1 {
					sum -= term
				} else {
					sum += term
				}
			}
			p[i] = sum
			continue
		}
		for k := uint64(2); term > 0; k++ {
			term, _ = bits.Mul64(term, y<<1)
			term /= k
			if k%2 == 0 {
				sum += term
			} else {
				sum -= term
			}
		}
		p[i] = sum
	}
	return p
}

// expOf gives e^-x as a weight. x is not negative.
func expOf(x nats) uint64 {
	if x > negligible {
		return 0
	}
	w := ^uint64(0)
	for i := 0; x > 0; i, x = i+1, x>>1 {
		if x&1 == 1 {
			w, _ = bits.Mul64(w, powers[i])
		}
	}
	return w >> (64 - weightBits)
}

// logSum gives ln(e^a + e^b).
func logSum(a, b nats) nats {
	if a < b {
		a, b = b, a
	}
	return a + logOf(oneWeight+expOf(a-b)) - weightBits*ln2
}

// A share is a probability in units of 2^-48, away from 0 and 1.
const (
	shareBits = 48
	oneShare  = uint64(1) << shareBits
	leastPart = 1e-4 // nobody is taken to be surer than this
)

// shareOf gives a probability as a share; what is no number is 1/2.
func shareOf(p float64) uint64 {
	if p != p {
		p = 0.5
	}
	return uint64(min(max(p, leastPart), 1-leastPart) * float64(oneShare))
}

// logShare gives ln of a share.
func logShare(s uint64) nats { return logOf(s) - shareBits*ln2 }

// logRatio gives ln(a/b) of positive numbers.
func logRatio(a, b uint64) nats { return logOf(a) - logOf(b) }

// What votes say is kept in 1/4096 nat, so that sums of them are exact.
const unitBits = 12

// units rounds to 1/4096 nat.
func (n nats) units() int64 {
	const shift = natBits - unitBits
	return int64(n+1<<(shift-1)) >> shift
}

func fromUnits(u int64) nats { return nats(u) << (natBits - unitBits) }
