package projections

import (
	"math"
	"math/bits"
	"time"
)

// HalfLife is the time in which what a decayed count remembers loses half of
// its weight: long enough to even out a minute's burst, short enough that
// yesterday tells nothing about now.
const HalfLife = time.Hour

// halfLifeTicks is the half-life in ticks.
const halfLifeTicks = int64(HalfLife / tickLength)

// tick is a moment in whole seconds since 1970, UTC.
type tick uint32

const (
	tickLength = time.Second
	// maxTick, in 2106, leaves room for adding hours.
	maxTick = math.MaxUint32 - 1<<16
)

// tickOf gives the tick that a moment is in; what lies outside of the ticks is
// at their end.
func tickOf(t time.Time) tick {
	return tick(min(max(t.Unix(), 0), maxTick))
}

func (t tick) time() time.Time { return time.Unix(int64(t), 0).UTC() }

// decayed is a count whose events lose weight with age: one that is a seconds
// old weighs 2^(-a/3600). It is kept as the sum of the weights at the moment
// of the newest event:
//
//	newer event at t':  value = value·2^(-(t'-t)/3600) + 1,  t = t'
//	older event at t':  value = value + 2^(-(t-t')/3600)
//
// which is the same sum whatever the order of the events. Numbers are fixed
// point with decayBits fractional bits, and times whole seconds, so that every
// machine computes the same bits: floating point may be fused on one and not on
// another, and a snapshot has to be equal byte by byte. Rounding is to the
// nearest; a sum is off by less than 2^-20 for each event.
type decayed struct {
	value uint64
	at    tick
}

const decayBits = 20

// add counts n events of a moment.
func (d *decayed) add(at tick, n int) {
	if at < d.at {
		d.value += decay(uint64(n)<<decayBits, int64(d.at-at))
		return
	}
	d.value = decay(d.value, int64(at-d.at)) + uint64(n)<<decayBits
	d.at = at
}

// weight is the sum of the weights at a moment; one before the newest event
// counts as that event's.
func (d decayed) weight(now tick) float64 {
	if now < d.at {
		now = d.at
	}
	return float64(decay(d.value, int64(now-d.at))) / (1 << decayBits)
}

// perHour is the rate that a sum of weights stands for: events that come evenly,
// r an hour, add up to r·1h/ln 2 in the end.
func perHour(weight float64) float64 {
	return weight * math.Ln2 * float64(time.Hour) / float64(HalfLife)
}

// decay multiplies a value by 2^(-ticks/3600).
func decay(value uint64, ticks int64) uint64 {
	halvings := ticks / halfLifeTicks
	if halvings > 63 {
		return 0
	}
	high, low := bits.Mul64(value, decayTable[ticks%halfLifeTicks])
	low, carry := bits.Add64(low, 1<<(decayTableBits-1), 0)
	value = (high+carry)<<(64-decayTableBits) | low>>decayTableBits
	if halvings == 0 {
		return value
	}
	return (value + 1<<(halvings-1)) >> halvings
}

const (
	decayTableBits = 32
	// decayRoot is 2^(-1/3600) with 62 fractional bits.
	decayRoot     = 4610798165803733764
	decayRootBits = 62
)

// decayTable holds 2^(-k/3600) with decayTableBits fractional bits. It is made
// in whole numbers, for the reason that decayed gives.
var decayTable = func() (table [halfLifeTicks]uint64) {
	v := uint64(1) << decayRootBits
	for k := range table {
		const drop = decayRootBits - decayTableBits
		table[k] = (v + 1<<(drop-1)) >> drop
		high, low := bits.Mul64(v, decayRoot)
		low, carry := bits.Add64(low, 1<<(decayRootBits-1), 0)
		v = (high+carry)<<(64-decayRootBits) | low>>decayRootBits
	}
	return table
}()
