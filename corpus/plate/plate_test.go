package plate_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ocapi/corpus/demo"
	"ocapi/corpus/plate"
	"ocapi/corpus/rendering"
)

// pictures draws n pictures of the demonstration and renders each k times.
func pictures(t testing.TB, n, k int) [][]byte {
	t.Helper()
	specs := demo.Plan(1, demo.DefaultCounts())
	var all [][]byte
	for i := range n {
		spec := specs[i*len(specs)/n]
		shape := rendering.ShapeTile
		if spec.Kind != demo.KindClassification {
			shape = rendering.ShapeLine
		}
		made, err := rendering.Make(demo.Draw(1, spec), shape, k, rand.New(rand.NewPCG(1, uint64(i))))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made {
			all = append(all, m.Bytes)
		}
	}
	return all
}

func seed(n uint64) plate.Seed {
	var s plate.Seed
	binary.LittleEndian.PutUint64(s[:], n)
	return s
}

func newPlate(t testing.TB, picture []byte) *plate.Plate {
	t.Helper()
	p, err := plate.New(picture)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// luminance decodes a picture.
func luminance(t testing.TB, picture []byte) []byte {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	switch img := img.(type) {
	case *image.YCbCr:
		return img.Y
	case *image.Gray:
		return img.Pix
	case *image.RGBA:
		return img.Pix
	case *image.NRGBA:
		return img.Pix
	}
	t.Fatalf("a picture of type %T", img)
	return nil
}

// psnr gives the peak signal-to-noise ratio of two pictures in decibels.
func psnr(a, b []byte) float64 {
	sum := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	if sum == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(255*255*float64(len(a))/sum)
}

// TestPrintsLookTheSame holds prints against each other and against the
// picture: nobody sees a difference, and every pixel hash does.
func TestPrintsLookTheSame(t *testing.T) {
	t.Parallel()
	worst, worstPixel, fewest := math.Inf(1), 0, math.MaxInt
	all := pictures(t, 24, 1)
	for i, picture := range all {
		p := newPlate(t, picture)
		fewest = min(fewest, p.FreeBits())
		first := luminance(t, p.Print(seed(0)))
		seen := [][]byte{luminance(t, picture), first}
		for s := range uint64(8) {
			print := p.Print(seed(s + 1))
			if len(print) != p.Size() || len(print)%plate.SizeUnit != 0 || len(print) < len(picture) || len(print) >= max(len(picture)+plate.SizeUnit+32, plate.LeastSize+1) {
				t.Fatalf("a print of picture %d of %d bytes has %d", i, len(picture), len(print))
			}
			got := luminance(t, print)
			for _, other := range seen {
				if bytes.Equal(got, other) {
					t.Errorf("two prints of picture %d decode to the same pixels", i)
				}
				worst = min(worst, psnr(got, other))
				for j := range got {
					worstPixel = max(worstPixel, int(got[j])-int(other[j]), int(other[j])-int(got[j]))
				}
			}
			seen = append(seen, got)
		}
	}
	t.Logf("%d pictures: at least %.1f dB between two prints; no pixel differs by more than %d; at least %d bits are free", len(all), worst, worstPixel, fewest)
	if worst < 48 {
		t.Errorf("two prints differ by %.1f dB", worst)
	}
	if fewest < 64 {
		t.Errorf("a picture has %d free bits only", fewest)
	}
}

// TestPrintIsDrawnFromItsSeed asks for the same print twice.
func TestPrintIsDrawnFromItsSeed(t *testing.T) {
	t.Parallel()
	for i, picture := range pictures(t, 2, 1) {
		p, before := newPlate(t, picture), slices.Clone(picture)
		if !bytes.Equal(p.Print(seed(7)), p.Print(seed(7))) {
			t.Errorf("picture %d: one seed gives two prints", i)
		}
		if bytes.Equal(p.Print(seed(7)), p.Print(seed(8))) {
			t.Errorf("picture %d: two seeds give one print", i)
		}
		if !bytes.Equal(picture, before) || !bytes.Equal(p.Picture(), before) {
			t.Errorf("picture %d was changed", i)
		}
	}
}

// encodings are pictures as other programs may make them.
func encodings(t testing.TB) map[string][]byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	grey, colour := image.NewGray(image.Rect(0, 0, 83, 45)), image.NewRGBA(image.Rect(0, 0, 83, 45))
	for y := range 45 {
		for x := range 83 {
			v := uint8(128 + 90*math.Sin(float64(x)/3)*math.Cos(float64(y)/4) + rng.Float64()*30)
			grey.SetGray(x, y, color.Gray{Y: v})
			colour.Set(x, y, color.RGBA{v, 255 - v, uint8(x), 255})
		}
	}
	made := map[string][]byte{}
	for name, img := range map[string]image.Image{"grey": grey, "colour": colour} {
		for _, quality := range []int{5, 50, 100} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
				t.Fatal(err)
			}
			made[fmt.Sprintf("%s JPEG of quality %d", name, quality)] = b.Bytes()
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		made[name+" PNG"] = b.Bytes()
	}
	// A restart interval of zero means none, but whoever says it gets no free bits.
	plain := made["grey JPEG of quality 50"]
	made["JPEG with restarts"] = slices.Concat(plain[:2], []byte{0xff, 0xff, 0xdd, 0, 4, 0, 0}, plain[2:])
	return made
}

// TestPrintOfEveryEncoding prints what is not from this program.
func TestPrintOfEveryEncoding(t *testing.T) {
	t.Parallel()
	for name, picture := range encodings(t) {
		p := newPlate(t, picture)
		want, seen := luminance(t, picture), map[string]bool{}
		for s := range uint64(5) {
			print := p.Print(seed(s))
			seen[string(print)] = true
			if got := luminance(t, print); psnr(got, want) < 48 || p.FreeBits() == 0 && !bytes.Equal(got, want) {
				t.Errorf("%s: a print looks different (%.1f dB)", name, psnr(got, want))
			}
		}
		if len(seen) != 5 {
			t.Errorf("%s: %d prints of 5 are different", name, len(seen))
		}
		t.Logf("%s: %d bytes, %d free bits", name, len(picture), p.FreeBits())
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := pictures(t, 1, 1)[0]
	scan := bytes.Index(good, []byte{0xff, 0xda})
	for name, picture := range map[string][]byte{
		"nothing": nil, "text": []byte("no picture at all"), "start only": good[:2], "cut in a table": good[:100],
		"no scan": good[:scan], "a hole": slices.Concat(good[:2], []byte{0}, good[2:]),
		"short PNG": []byte("\x89PNG\r\n\x1a\n"), "broken table": slices.Concat([]byte{0xff, 0xd8, 0xff, 0xdb, 0, 3, 0x33}, good[2:]),
	} {
		if _, err := plate.New(picture); !errors.Is(err, plate.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
	// A scan that is cut off is a picture still; it is not walked.
	if p := newPlate(t, good[:scan+200]); p.FreeBits() != 0 {
		t.Errorf("%d bits of a scan without an end are free", p.FreeBits())
	}
}

// FuzzNew prints whatever is taken for a picture: what could be decoded before
// still can, and looks the same.
func FuzzNew(f *testing.F) {
	for _, picture := range encodings(f) {
		f.Add(picture)
	}
	f.Fuzz(func(t *testing.T, picture []byte) {
		p, err := plate.New(picture)
		if err != nil {
			return
		}
		print := p.Print(seed(1))
		if len(print)%plate.SizeUnit != 0 {
			t.Fatalf("a print has %d bytes", len(print))
		}
		config, _, err := image.DecodeConfig(bytes.NewReader(picture))
		if err != nil || config.Width*config.Height > 1<<16 {
			return
		}
		if _, _, err := image.Decode(bytes.NewReader(picture)); err != nil {
			return
		}
		if _, _, err := image.Decode(bytes.NewReader(print)); err != nil {
			t.Fatalf("the print cannot be decoded: %v", err)
		}
	})
}

func TestPrintAllocatesOnce(t *testing.T) {
	p := newPlate(t, pictures(t, 1, 1)[0])
	if n := testing.AllocsPerRun(100, func() { p.Print(seed(1)) }); n > 1 {
		t.Errorf("a print takes %.0f allocations", n)
	}
}

// TestPrintInRoom makes prints where others were: nothing of those is left.
func TestPrintInRoom(t *testing.T) {
	t.Parallel()
	for _, picture := range pictures(t, 1, 1) {
		p := newPlate(t, picture)
		want := p.Print(seed(1))
		for name, capacity := range map[string]int{"too small": len(want) - 1, "as large": len(want), "larger": 2 * len(want)} {
			room := bytes.Repeat([]byte{0xa5}, capacity)
			got := p.PrintIn(room[:capacity/3], seed(1))
			if !bytes.Equal(got, want) {
				t.Errorf("in room that is %s the print differs", name)
			}
			if reused := &got[0] == &room[0]; reused != (capacity >= len(want)) {
				t.Errorf("room that is %s is used: %v", name, reused)
			}
		}
	}
}

func BenchmarkPrint(b *testing.B) {
	p := newPlate(b, pictures(b, 1, 1)[0])
	b.SetBytes(int64(p.Size()))
	var n uint64
	for b.Loop() {
		n++
		p.Print(seed(n))
	}
}

func BenchmarkNew(b *testing.B) {
	picture := pictures(b, 1, 1)[0]
	for b.Loop() {
		if _, err := plate.New(picture); err != nil {
			b.Fatal(err)
		}
	}
}
