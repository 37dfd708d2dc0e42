package demo

import (
	"bytes"
	"image"
	"slices"
	"sync"
	"testing"
)

// sample returns n words and n prints of each keyword.
func sample(n int) []Spec {
	var out []Spec
	count := make(map[string]int)
	for _, s := range Plan(2, DefaultCounts()) {
		if count[s.Keyword] < n {
			count[s.Keyword]++
			out = append(out, s)
		}
	}
	return out
}

// coverage is the share of pixels that are much darker than the paper, which is
// taken to be the median.
func coverage(img *image.RGBA) float64 {
	luma := make([]int, 0, len(img.Pix)/4)
	for i := 0; i < len(img.Pix); i += 4 {
		luma = append(luma, (299*int(img.Pix[i])+587*int(img.Pix[i+1])+114*int(img.Pix[i+2]))/1000)
	}
	paper := slices.Sorted(slices.Values(luma))[len(luma)*6/10]
	dark := 0
	for _, v := range luma {
		if v*100 < paper*65 {
			dark++
		}
	}
	return float64(dark) / float64(len(luma))
}

func TestDraw(t *testing.T) {
	t.Parallel()
	for _, s := range sample(2) {
		t.Run(s.Kind.String()+"/"+s.Keyword+s.Text, func(t *testing.T) {
			t.Parallel()
			img := Draw(2, s)
			w, h := img.Rect.Dx(), img.Rect.Dy()
			least, most := 0.008, 0.30
			if s.Kind == KindTranscription {
				if h != wordHeight || w < wordWidth || w > 1300 {
					t.Errorf("word is %d by %d", w, h)
				}
			} else {
				most = 0.50
				if w < 330 || w > 350 || h < 330 || h > 350 {
					t.Errorf("plate is %d by %d", w, h)
				}
			}
			if c := coverage(img); c < least || c > most {
				t.Errorf("%.1f %% ink, want %.1f to %.1f", c*100, least*100, most*100)
			}
			if !img.Opaque() {
				t.Error("picture is not opaque")
			}
		})
	}
}

// TestDrawIsPure holds that a picture depends on the spec and the seed alone,
// not on the role, on what was drawn before or on who draws at the same time.
func TestDrawIsPure(t *testing.T) {
	t.Parallel()
	specs := sample(1)
	specs = append(specs, sample(6)[1:6]...) // some more, so that every look is among them
	first := make([]*image.RGBA, len(specs))
	for i, s := range specs {
		first[i] = Draw(2, s)
	}
	var wg sync.WaitGroup
	for i, s := range slices.Backward(specs) {
		wg.Go(func() {
			s.Known = !s.Known
			if again := Draw(2, s); !bytes.Equal(first[i].Pix, again.Pix) {
				t.Errorf("%s %s%s differs when drawn again with the other role", s.Kind, s.Keyword, s.Text)
			}
		})
	}
	wg.Wait()
	if other := Draw(3, specs[0]); bytes.Equal(other.Pix, first[0].Pix) {
		t.Error("another seed gave the same picture")
	}
}

// TestPlatesDiffer compares prints of one keyword by coarse brightness: no two
// may be so alike that one stands for the other.
func TestPlatesDiffer(t *testing.T) {
	t.Parallel()
	const cells = 16
	coarse := func(img *image.RGBA) [cells * cells]int {
		var sum, n [cells * cells]int
		for y := range img.Rect.Dy() {
			for x := range img.Rect.Dx() {
				c := y*cells/img.Rect.Dy()*cells + x*cells/img.Rect.Dx()
				sum[c] += int(img.Pix[y*img.Stride+x*4])
				n[c]++
			}
		}
		for i := range sum {
			sum[i] /= n[i]
		}
		return sum
	}
	for _, k := range Keywords() {
		t.Run(k.ID, func(t *testing.T) {
			t.Parallel()
			var seen [][cells * cells]int
			for _, s := range Plan(2, DefaultCounts()) {
				if s.Keyword != k.ID || len(seen) == 8 {
					continue
				}
				c := coarse(Draw(2, s))
				for i, other := range seen {
					diff := 0
					for j := range c {
						diff += max(c[j]-other[j], other[j]-c[j])
					}
					if diff < 4*cells*cells {
						t.Errorf("prints %d and %d of %s differ by only %d", i, len(seen), k.ID, diff)
					}
				}
				seen = append(seen, c)
			}
		})
	}
}

func TestDrawRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		spec Spec
	}{
		{"zero", Spec{}},
		{"no text", Spec{Kind: KindTranscription}},
		{"no keyword", Spec{Kind: KindClassification}},
		{"unknown keyword", Spec{Kind: KindClassification, Keyword: "submarine"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("drawn without complaint")
				}
			}()
			Draw(1, tt.spec)
		})
	}
}

func TestKindString(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]string{
		KindTranscription: "transcription", KindClassification: "classification", 0: "kind(0)", 9: "kind(9)",
	} {
		if got := kind.String(); got != want {
			t.Errorf("%d is %q, want %q", uint8(kind), got, want)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	plan := Plan(1, DefaultCounts())
	for _, kind := range []Kind{KindTranscription, KindClassification} {
		b.Run(kind.String(), func(b *testing.B) {
			var specs []Spec
			for _, s := range plan {
				if s.Kind == kind {
					specs = append(specs, s)
				}
			}
			i := 0
			for b.Loop() {
				Draw(1, specs[i%len(specs)])
				i++
			}
		})
	}
}
