package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// TextParams are what typed texts are worth, as numbers. Images fall into
// classes of difficulty, and a text is typed rightly with a probability that
// depends on the image's class and on how the known text beside it was typed.
//
// Wrong readings are not independent: a misreading that one person makes others
// make too. They are taken to come from a Chinese restaurant process (Aldous
// 1985): the next wrong reading is a new one with probability
// Spread/(Spread+wrong so far), else one of those before it, in proportion to
// how often it came. So two who agree on a misreading are less of a surprise
// than two who agree by chance.
//
// With n(s,g) votes of outcome g for reading s, m(s) over all g, and S and M the
// numbers of distinct and of all readings but t, the logarithm of how likely the
// votes are when t is true and the image of class d is
//
//	log Share + sum over g of n(t,g) log Right(g) + sum over s≠t, g of n(s,g) log(1-Right(g))
//	+ S log Spread + sum over s≠t of log Γ(m(s)) + log Γ(Spread) - log Γ(Spread+M)
//	+ sum over s≠t of max(-Slope (edits(s,t)-1), Floor)
//
// and each vote counts with Mark, or 1-Mark, as well.
type TextParams struct {
	Classes []TextClass // from the easiest to the hardest; at most 8

	// How likely a misreading is, by its distance from the truth: exp(-Slope *
	// (edits-1)), and never less than exp(Floor). Slope is above 0, Floor below.
	Slope, Floor float64

	// Illegible is the share of images that nobody can read, and IllegibleMark how
	// many of those who are shown one say so, by how they typed the known text; the
	// others type something, which is wrong.
	Illegible     float64
	IllegibleMark [GoldExact + 1]float64
}

// TextClass is one class of images by difficulty. All but Spread are
// probabilities.
type TextClass struct {
	Share  float64                // of the images, before anybody answers; all classes' add up to 1
	Right  [GoldExact + 1]float64 // that a typed text is right
	Mark   [GoldExact + 1]float64 // that the image is marked unreadable though it is not
	Spread float64                // of the wrong readings; above 0
}

// TextModel says what typed texts are worth. The zero value is the built-in one.
// It is not changed once made, and is safe for concurrent use.
type TextModel struct{ made *textTables }

// goldShares is how known texts are typed in the registers. What a text is worth
// with nothing else known of its challenge, [GoldNone], is the mean over them.
var goldShares = [GoldExact + 1]float64{GoldWrong: 0.05, GoldNear: 0.08, GoldExact: 0.87}

func overGold(wrong, near, exact float64) [GoldExact + 1]float64 {
	return [GoldExact + 1]float64{
		GoldNone:  float64(goldShares[GoldWrong]*wrong) + float64(goldShares[GoldNear]*near) + float64(goldShares[GoldExact]*exact),
		GoldWrong: wrong, GoldNear: near, GoldExact: exact,
	}
}

// BuiltinTexts gives the parameters that the program comes with. Those of typed
// texts were fitted on volunteers' readings of handwritten hospital registers of
// 1826 to 1868, with an archivist's readings as the truth.
//
// No public set says when people call an image unreadable, so those parameters
// are a choice: one image in fifty is taken to be illegible, and three people
// who typed their known text rightly settle it, where two do not. Who typed a
// known text wrongly marks much, and it counts for little.
func BuiltinTexts() TextParams {
	return TextParams{
		Classes: []TextClass{
			{Share: 0.63, Right: overGold(0.70, 0.61, 0.98), Mark: overGold(0.10, 0.02, 0.005), Spread: 3.2},
			{Share: 0.29, Right: overGold(0.19, 0.71, 0.90), Mark: overGold(0.15, 0.05, 0.02), Spread: 1.3},
			{Share: 0.08, Right: overGold(0.34, 0.68, 0.33), Mark: overGold(0.25, 0.15, 0.10), Spread: 1.4},
		},
		Slope: 1, Floor: -6,
		Illegible: 0.02, IllegibleMark: overGold(0.40, 0.50, 0.60),
	}
}

func builtinTexts() TextModel {
	m, err := NewTextModel(BuiltinTexts())
	if err != nil {
		panic("consensus: the built-in parameters of texts: " + err.Error()) // ours, and tested
	}
	return m
}

// mostClasses bounds the classes of difficulty.
const mostClasses = 8

// NewTextModel makes a model of parameters, and says what is wrong with them.
func NewTextModel(p TextParams) (TextModel, error) {
	if err := p.validate(); err != nil {
		return TextModel{}, err
	}
	return TextModel{newTextTables(p)}, nil
}

func (p *TextParams) validate() error {
	if n := len(p.Classes); n < 1 || n > mostClasses {
		return fmt.Errorf("%d classes of difficulty: there are 1 to %d", n, mostClasses)
	}
	sum := 0.0
	for i, c := range p.Classes {
		sum += c.Share
		if err := errors.Join(
			likely("share", c.Share), likely("right", c.Right[:]...), likely("mark", c.Mark[:]...), within("spread", c.Spread, 1e-3, 1e6),
		); err != nil {
			return fmt.Errorf("class %d: %w", i, err)
		}
	}
	if math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("the classes' shares add up to %v, not 1", sum)
	}
	return errors.Join(
		within("slope", p.Slope, 0.01, 100), within("floor", p.Floor, -100, -0.01),
		likely("illegible", p.Illegible), likely("illegible mark", p.IllegibleMark[:]...),
	)
}

// surest keeps probabilities from certainty, which no number of votes would
// outweigh.
const surest = 1e-6

func likely(name string, probabilities ...float64) error {
	for _, p := range probabilities {
		if !(p >= surest && p <= 1-surest) && !(name == "share" && p == 1) {
			return fmt.Errorf("%s is %v: probabilities are %v to %v", name, p, surest, 1-surest)
		}
	}
	return nil
}

func within(name string, x, least, most float64) error {
	if !(x >= least && x <= most) {
		return fmt.Errorf("%s is %v: it is %v to %v", name, x, least, most)
	}
	return nil
}

// Params gives the model's parameters.
func (m *TextModel) Params() TextParams {
	p := m.tables().params
	p.Classes = append([]TextClass(nil), p.Classes...)
	return p
}

func (m *TextModel) tables() *textTables {
	if m.made == nil {
		return builtin.Texts.made
	}
	return m.made
}

// The stored form of a model of texts is a version and the number of classes,
// a byte each, and then the parameters in the order of their declaration as big
// endian doubles.
const (
	textModelVersion = 1
	classFloats      = 2 + 2*(int(GoldExact)+1)
	otherFloats      = 3 + int(GoldExact) + 1
)

// AppendTo appends the model's stored form, from which [ConsumeTextModel] makes
// the same model.
func (m *TextModel) AppendTo(b []byte) []byte {
	p := m.tables().params
	b = append(b, textModelVersion, byte(len(p.Classes)))
	for i := range p.Classes {
		for _, x := range p.Classes[i].floats() {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(*x))
		}
	}
	for _, x := range p.floats() {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(*x))
	}
	return b
}

// ConsumeTextModel reads a stored model and gives what stands behind it.
func ConsumeTextModel(b []byte) (m TextModel, rest []byte, err error) {
	if len(b) < 2 {
		return m, b, errors.New("model of texts: cut off before its parameters")
	}
	version, classes := b[0], int(b[1])
	if version != textModelVersion {
		return m, b, fmt.Errorf("model of texts: version %d, and this program knows version %d", version, textModelVersion)
	}
	rest = b[2:]
	if need := 8 * (classes*classFloats + otherFloats); len(rest) < need {
		return m, b, fmt.Errorf("model of texts: %d classes need %d bytes, and there are %d", classes, need, len(rest))
	}
	var p TextParams
	take := func(all []*float64) {
		for _, x := range all {
			*x = math.Float64frombits(binary.BigEndian.Uint64(rest))
			rest = rest[8:]
		}
	}
	for range classes {
		var c TextClass
		take(c.floats())
		p.Classes = append(p.Classes, c)
	}
	take(p.floats())
	if m, err = NewTextModel(p); err != nil {
		return m, b, fmt.Errorf("model of texts: %w", err)
	}
	return m, rest, nil
}

// floats gives what is stored of a class, in order.
func (c *TextClass) floats() []*float64 {
	all := []*float64{&c.Share}
	for g := range c.Right {
		all = append(all, &c.Right[g])
	}
	for g := range c.Mark {
		all = append(all, &c.Mark[g])
	}
	return append(all, &c.Spread)
}

// floats gives what is stored beside the classes, in order.
func (p *TextParams) floats() []*float64 {
	all := []*float64{&p.Slope, &p.Floor, &p.Illegible}
	for g := range p.IllegibleMark {
		all = append(all, &p.IllegibleMark[g])
	}
	return all
}
