package consensus

import "math"

// nat is how many units a natural logarithm of 1 has. Logarithms are summed as
// whole numbers of these, so that the order of the summands decides nothing, and
// every machine finds the same sums.
const nat = 4096

func units(x float64) int64 { return int64(math.Round(float64(x * nat))) }

// textTables are a model's logarithms, in units.
type textTables struct {
	params    TextParams
	classes   []classTable
	readable  int64 // that an image is
	illegible int64
	mark      [GoldExact + 1]int64 // on an illegible image
	typed     [GoldExact + 1]int64
	misread   []int64 // by edits; the last is the floor
}

type classTable struct {
	share            int64
	right, wrong     [GoldExact + 1]int64 // of one who types: mark and typed are apart
	mark, typed      [GoldExact + 1]int64
	spread           float64
	logSpread        int64
	risingFactorials [mostTabled]int64 // log of spread (spread+1) … (spread+n-1)
}

// mostTabled is up to how many votes logarithms are found in a table: few images
// get as many.
const mostTabled = 64

func newTextTables(p TextParams) *textTables {
	p.Classes = append([]TextClass(nil), p.Classes...)
	t := &textTables{params: p, readable: units(math.Log(1 - p.Illegible)), illegible: units(math.Log(p.Illegible))}
	for g, q := range p.IllegibleMark {
		t.mark[g], t.typed[g] = units(math.Log(q)), units(math.Log(1-q))
	}
	for edits := 0; ; edits++ {
		e := float64(-p.Slope * float64(max(edits-1, 0)))
		t.misread = append(t.misread, units(max(e, p.Floor)))
		if e <= p.Floor {
			break
		}
	}
	for _, c := range p.Classes {
		table := classTable{share: units(math.Log(c.Share)), spread: c.Spread, logSpread: units(math.Log(c.Spread))}
		for g := range c.Right {
			table.right[g], table.wrong[g] = units(math.Log(c.Right[g])), units(math.Log(1-c.Right[g]))
			table.mark[g], table.typed[g] = units(math.Log(c.Mark[g])), units(math.Log(1-c.Mark[g]))
		}
		for n := range table.risingFactorials {
			table.risingFactorials[n] = logRising(c.Spread, n)
		}
		t.classes = append(t.classes, table)
	}
	return t
}

// logRising gives the logarithm of x (x+1) … (x+n-1).
func logRising(x float64, n int) int64 {
	above, _ := math.Lgamma(x + float64(n))
	below, _ := math.Lgamma(x)
	return units(above - below)
}

func (c *classTable) rising(n int) int64 {
	if n < mostTabled {
		return c.risingFactorials[n]
	}
	return logRising(c.spread, n)
}

// misreading gives the logarithm of how likely a misreading so many edits away
// is.
func (t *textTables) misreading(edits int) int64 { return t.misread[min(edits, len(t.misread)-1)] }

// factorials has log (n-1)!, in units.
var factorials = func() (f [mostTabled]int64) {
	for n := 1; n < mostTabled; n++ {
		f[n] = logRising(1, n-1)
	}
	return f
}()

// logGamma gives log (n-1)! for n from 1.
func logGamma(n int) int64 {
	if n < mostTabled {
		return factorials[n]
	}
	return logRising(1, n-1)
}

// The exponential function over units, by tables: what it gives is the same on
// every machine, whose own may differ in the last bit.
const (
	one       = 1 << 32
	mostNats  = 32 // exp(-32) is nothing beside one
	fineSteps = 64
)

var expNats, expSteps, expUnits = func() (nats [mostNats]uint64, steps [nat / fineSteps]uint64, fine [fineSteps]uint64) {
	for i := range nats {
		nats[i] = uint64(math.Round(math.Exp(-float64(i)) * one))
	}
	for i := range steps {
		steps[i] = uint64(math.Round(math.Exp(-float64(i)*fineSteps/nat) * one))
	}
	for i := range fine {
		fine[i] = uint64(math.Round(math.Exp(-float64(i)/nat) * one))
	}
	return nats, steps, fine
}()

// textWeight gives exp(-x), where 1 is [one], for x in units and not below 0.
func textWeight(x int64) uint64 {
	if x >= mostNats*nat {
		return 0
	}
	w := expNats[x/nat]
	// Each factor is at most one, so the products fit when their lower halves are
	// dropped one after another.
	w = w >> 1 * (expSteps[x%nat/fineSteps] >> 1) >> 30
	return w >> 1 * (expUnits[x%fineSteps] >> 1) >> 30
}
