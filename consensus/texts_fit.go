package consensus

import "math"

// TextPairs counts wholly known challenges of two texts: how often a text was
// typed in each way, by how the other was. Both orders are counted. The zero
// value has none. It is a commutative group, as [Tally] is.
type TextPairs [GoldExact + 1][GoldExact + 1]int64

// Add counts both texts of a challenge n times; a negative n takes them back.
func (p *TextPairs) Add(one, other TextGold, n int) {
	p[one][other] += int64(n)
	p[other][one] += int64(n)
}

// priorPairs is how many pairs the built-in parameters weigh as: what few pairs
// say is not believed.
const priorPairs = 50

// FitTexts gives the model that wholly known challenges speak for. They tell how
// often a text is right by how the other one was typed, and nothing of the
// classes of difficulty: so each outcome's probabilities move by one step in
// log-odds, the same in all classes, to where their mean over the classes is
// the share that was found, shrunk to the built-in mean. Without pairs that is
// the built-in model. An outcome of which little is known hardly moves;
// [GoldNone] is the mean over the outcomes as they were found.
func FitTexts(pairs *TextPairs) TextModel {
	p := BuiltinTexts()
	var shares [GoldExact + 1]float64
	all := 0.0
	for g := GoldWrong; g <= GoldExact; g++ {
		n := float64(0)
		for _, votes := range pairs[g][GoldWrong:] {
			n += float64(max(votes, 0))
		}
		shares[g] = n + float64(priorPairs*goldShares[g])
		all += shares[g]
		mean := p.meanRight(g)
		target := (float64(max(pairs[g][GoldExact], 0)) + float64(priorPairs*mean)) / (n + priorPairs)
		p.moveRight(g, target)
	}
	for d := range p.Classes {
		mean := 0.0
		for g := GoldWrong; g <= GoldExact; g++ {
			mean += float64(shares[g] / all * p.Classes[d].Right[g])
		}
		p.Classes[d].Right[GoldNone] = likelyOnly(mean)
	}
	m, err := NewTextModel(p)
	if err != nil {
		panic("consensus: fitted parameters of texts: " + err.Error()) // ours: they are kept in their bounds
	}
	return m
}

// likelyOnly keeps a probability in its bounds.
func likelyOnly(p float64) float64 { return min(max(p, surest), 1-surest) }

// meanRight gives how often a text is right over all classes.
func (p *TextParams) meanRight(g TextGold) float64 {
	mean := 0.0
	for i := range p.Classes {
		mean += float64(p.Classes[i].Share * p.Classes[i].Right[g])
	}
	return mean
}

// moveRight moves an outcome's probabilities by one step in log-odds to a mean,
// which the mean over the classes rises with: bisection finds it.
func (p *TextParams) moveRight(g TextGold, mean float64) {
	from := make([]float64, len(p.Classes))
	for i := range p.Classes {
		from[i] = math.Log(p.Classes[i].Right[g] / (1 - p.Classes[i].Right[g]))
	}
	if math.Abs(p.meanRight(g)-mean) < 1e-12 {
		return // to the bit: no pairs, no change
	}
	const far, halvings = 20, 60
	low, high := -float64(far), float64(far)
	for range halvings {
		step := (low + high) / 2
		for i := range p.Classes {
			p.Classes[i].Right[g] = likelyOnly(1 / (1 + math.Exp(-from[i]-step)))
		}
		if p.meanRight(g) < mean {
			low = step
		} else {
			high = step
		}
	}
}

// KnownText is a text that is known, with what people typed.
type KnownText struct {
	Truth string
	Tally *TextTally
}

// countedText is what the likelihood needs of a known text.
type countedText struct {
	right, wrong golds
	total        int   // of the wrong
	distinct     int   // readings among them
	repeats      int64 // sum of log (n-1)! over those
}

func (k *KnownText) count() countedText {
	var c countedText
	truth := Normal(k.Truth, AccentsKept)
	votes := map[string]int{}
	for e := range k.Tally.entries {
		if e.unreadable {
			continue
		}
		text := Normal(string(e.text), AccentsKept)
		for g, n := range e.counts {
			n = max(n, 0)
			if text == truth {
				c.right[g] += n
				continue
			}
			c.wrong[g] += n
			votes[text] += int(n)
		}
	}
	for _, n := range votes {
		if n > 0 {
			c.total += n
			c.distinct++
			c.repeats += logGamma(n)
		}
	}
	return c
}

const (
	textFitRounds = 40
	priorImages   = 20 // how many images the start weighs as in the classes' shares
	priorTexts    = 20 // how many typed texts in each probability
	leastSpread   = 0.25
	spreadSteps   = 24
	spreadDoubt   = 0.7 // standard deviation of its logarithm around the start's
	spreadFactor  = 1.25
)

// FitTextImages fits classes of difficulty on texts that are known, by
// expectation and maximisation (Dempster, Laird and Rubin 1977) over the class
// that each image is of: the shares, the probabilities of being right and the
// spreads. Shares and probabilities shrink to the start's. What misreadings look
// like and what marks mean stays as it is. It is linear in the texts. The truth has to
// be certain: fitted on readings alone, such parameters only learn to agree. The
// error says what is wrong with the start.
func FitTextImages(known []KnownText, start TextParams) (TextModel, error) {
	if err := start.validate(); err != nil {
		return TextModel{}, err
	}
	p := start
	p.Classes = append([]TextClass(nil), start.Classes...)
	texts := make([]countedText, 0, len(known))
	for i := range known {
		if c := known[i].count(); c.total+c.right.sum() > 0 {
			texts = append(texts, c)
		}
	}
	belongs := make([][]float64, len(texts))
	for i := range belongs {
		belongs[i] = make([]float64, len(p.Classes))
	}
	for range textFitRounds {
		t := newTextTables(p)
		for i := range texts {
			texts[i].classes(t, belongs[i])
		}
		for d := range p.Classes {
			p.Classes[d] = maximise(start.Classes[d], texts, d, belongs)
		}
		sum := 0.0
		for d := range p.Classes {
			sum += p.Classes[d].Share
		}
		for d := range p.Classes {
			p.Classes[d].Share /= sum
		}
	}
	return NewTextModel(p)
}

// classes gives the probabilities of the classes of difficulty.
func (c *countedText) classes(t *textTables, belongs []float64) {
	logs := make([]int64, len(t.classes))
	most := int64(math.MinInt64)
	for d := range t.classes {
		k := &t.classes[d]
		l := k.share + int64(c.distinct)*k.logSpread - k.rising(c.total)
		for g := range c.right {
			l += int64(c.right[g])*k.right[g] + int64(c.wrong[g])*k.wrong[g]
		}
		logs[d], most = l, max(most, l)
	}
	sum := 0.0
	for d, l := range logs {
		belongs[d] = float64(textWeight(most - l))
		sum += belongs[d]
	}
	for d := range belongs {
		belongs[d] /= sum
	}
}

// maximise gives one class's best parameters.
func maximise(start TextClass, texts []countedText, d int, belongs [][]float64) TextClass {
	share, most := float64(priorImages*start.Share), math.Inf(-1)
	var right, all [GoldExact + 1]float64
	for i := range texts {
		w := belongs[i][d]
		share += w
		for g := range all {
			right[g] += float64(w * float64(texts[i].right[g]))
			all[g] += float64(w * float64(texts[i].right[g]+texts[i].wrong[g]))
		}
	}
	c := start
	c.Share = max(share/float64(len(texts)+priorImages), surest)
	for g := range all {
		c.Right[g] = likelyOnly((right[g] + float64(priorTexts*start.Right[g])) / (all[g] + priorTexts))
	}
	for step, spread := 0, leastSpread; step < spreadSteps; step, spread = step+1, spread*spreadFactor {
		from := math.Log(spread / start.Spread)
		sum := -float64(from*from) * nat / (2 * spreadDoubt * spreadDoubt)
		for i := range texts {
			if x := &texts[i]; x.total > 1 {
				sum += float64(belongs[i][d] * float64(int64(x.distinct)*units(math.Log(spread))-logRising(spread, x.total)))
			}
		}
		if sum > most {
			most, c.Spread = sum, spread
		}
	}
	return c
}
