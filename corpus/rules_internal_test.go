package corpus

import (
	"errors"
	"image"
	"image/color"
	"math/rand/v2"
	"strings"
	"testing"

	"ocapi/corpus/demo"
	"ocapi/domain"
)

// writing is a crop with letters of a certain height: dark bars on paper, with
// the luminances that are asked for.
func writing(w, h, letters int, ink, paper uint8) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(1, 2))
	top := (h - letters) / 2
	for y := range h {
		for x := range w {
			light := int(paper) + rng.IntN(9) - 4
			if y >= top && y < top+letters && x/4%3 == 0 && x > w/10 && x < w*9/10 {
				light = int(ink)
			}
			img.SetGray(x, y, color.Gray{Y: uint8(min(light, 255))})
		}
	}
	return img
}

func TestRulesOfPictures(t *testing.T) {
	t.Parallel()
	text, class := domain.TypeTranscription, domain.TypeClassification
	for name, c := range map[string]struct {
		img  image.Image
		kind domain.ChallengeType
		want string // begins the reason; "": it fits
	}{
		"a word":                            {writing(300, 90, 40, 40, 200), text, ""},
		"a pale word":                       {writing(300, 90, 40, 160, 200), text, ""},
		"a word too pale":                   {writing(300, 90, 40, 180, 200), text, tooPale},
		"blank paper":                       {writing(300, 90, 0, 0, 200), text, tooPale},
		"a tile of blank paper":             {writing(300, 300, 0, 0, 200), class, tooPale},
		"a long line":                       {writing(2000, 210, 100, 40, 200), text, ""},
		"a line that gets too fine":         {writing(2000, 210, 40, 40, 200), text, tooFine},
		"the same, as a picture to look at": {writing(2000, 210, 40, 40, 200), class, ""},
		"a line beyond measure":             {writing(2000, 190, 100, 40, 200), text, tooOblong},
		"a column beyond measure":           {writing(60, 700, 400, 40, 200), class, tooOblong},
		"a dash":                            {writing(60, 19, 9, 40, 200), text, tooSmall},
		"a narrow letter":                   {writing(19, 60, 30, 40, 200), text, tooSmall},
		"the smallest":                      {writing(40, 20, 12, 40, 200), text, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := DefaultRules()
			err := rules.size(c.img.Bounds().Size())
			if err == nil {
				l := lookAt(c.img, c.kind)
				err = rules.looks(&l, c.kind)
			}
			if got := reason(err); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			var none Rules
			l := lookAt(c.img, c.kind)
			if err := errors.Join(none.size(c.img.Bounds().Size()), none.looks(&l, c.kind)); err != nil {
				t.Errorf("without rules: %v", err)
			}
		})
	}
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRulesOfTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a word":                      {"juillet", ""},
		"one letter":                  {"à", tooShort},
		"one letter with punctuation": {"(à).", tooShort},
		"two letters":                 {"le", ""},
		"a ligature is two letters":   {"ﬁ", ""},
		"24 letters":                  {strings.Repeat("abcd ", 6), ""},
		"25 letters":                  {strings.Repeat("abcd ", 6) + "e", tooLong},
		"24 and much punctuation":     {strings.Repeat("a.-", 24), ""},
		"a private-use letter":        {"de\ue5d2", untypeable},
		"a private-use ligature":      {"Bu\uf502", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := Entry{Image: domain.Image{Type: domain.TypeTranscription, Known: true, Text: c.text}}
			if got := reason(DefaultRules().text(&e)); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if err := (Rules{}).text(&e); err != nil {
				t.Errorf("without rules: %v", err)
			}
			e.Known = false
			if err := DefaultRules().text(&e); err != nil {
				t.Errorf("an unknown image: %v", err)
			}
		})
	}
}

func TestRulesValidate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Rules){
		"negative length":        func(r *Rules) { r.MinLength = -1 },
		"negative contrast":      func(r *Rules) { r.MinContrast = -1 },
		"longer than an answer":  func(r *Rules) { r.MaxLength = domain.MaxAnswerRunes + 1 },
		"shortest above longest": func(r *Rules) { r.MinLength = 25 },
		"an aspect below one":    func(r *Rules) { r.MaxAspect = 0.5 },
	} {
		r := DefaultRules()
		change(&r)
		if r.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, r := range []Rules{{}, DefaultRules()} {
		if err := r.Validate(); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// TestDemoFits holds that the program's own drawings keep the rules that it
// asks of others, and that none is taken for another.
func TestDemoFits(t *testing.T) {
	t.Parallel()
	specs := demo.Plan(3, demo.DefaultCounts())[:40]
	known := newTwins()
	for _, s := range specs {
		e := Entry{Image: domain.Image{ID: domain.ImageID(s.ID), Type: domain.TypeTranscription, Known: true, Text: s.Text}}
		if s.Kind == demo.KindClassification {
			e.Type, e.Labels, e.Complete, e.Text = domain.TypeClassification, []string{s.Keyword}, true, ""
		}
		picture := demo.Draw(3, s)
		l := lookAt(picture, e.Type)
		if err := errors.Join(DefaultRules().text(&e), DefaultRules().size(picture.Bounds().Size()), DefaultRules().looks(&l, e.Type)); err != nil {
			t.Errorf("%s %s: %v", s.Text, s.Keyword, err)
		}
		if like := known.meet(l.hash, &e, true); like.contradicts {
			t.Errorf("%s %s looks like %s, at a distance of %d", s.Text, s.Keyword, like.other.says(), like.distance)
		}
	}
}
