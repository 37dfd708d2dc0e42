package corpus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"golang.org/x/image/tiff"
)

// exif makes an Exif structure that says one orientation, after another tag.
func exif(order binary.AppendByteOrder, o uint16) []byte {
	b := []byte("II\x2a\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00\x2a")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 0x010f) // the maker's name
	b = order.AppendUint16(b, 2)
	b = order.AppendUint32(b, 4)
	b = append(b, "Cam\x00"...)
	b = order.AppendUint16(b, orientationTag)
	b = order.AppendUint16(b, typeShort)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, o)
	b = order.AppendUint16(b, 0)
	return order.AppendUint32(b, 0)
}

// segment puts a part into a JPEG, after its start.
func segment(picture []byte, marker byte, content []byte) []byte {
	out := append([]byte{0xff, 0xd8, 0xff, marker}, binary.BigEndian.AppendUint16(nil, uint16(len(content)+2))...)
	out = append(out, content...)
	return append(out, picture[2:]...)
}

// corners is a picture with another colour in each corner: upper left red,
// upper right green, lower left blue, lower right white; and wider than high.
func corners() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 48, 32))
	for y := range 32 {
		for x := range 48 {
			c := color.RGBA{A: 255}
			switch {
			case x < 24 && y < 16:
				c.R = 255
			case y < 16:
				c.G = 255
			case x < 24:
				c.B = 255
			default:
				c.R, c.G, c.B = 255, 255, 255
			}
			img.Set(x, y, c)
		}
	}
	return img
}

// seen names the colours of the corners, from the upper left one to the right
// and then below.
func seen(img image.Image) string {
	b := img.Bounds()
	name := ""
	for _, p := range []image.Point{{4, 4}, {b.Dx() - 4, 4}, {4, b.Dy() - 4}, {b.Dx() - 4, b.Dy() - 4}} {
		r, g, bl, _ := img.At(b.Min.X+p.X, b.Min.Y+p.Y).RGBA()
		switch light := func(v uint32) bool { return v > 0x8000 }; {
		case light(r) && light(g):
			name += "w"
		case light(r):
			name += "r"
		case light(g):
			name += "g"
		case light(bl):
			name += "b"
		}
	}
	return fmt.Sprintf("%s %dx%d", name, b.Dx(), b.Dy())
}

// TestOrientation stores one picture as cameras do that are held in each of the
// eight ways, and looks at the corners of what is decoded.
func TestOrientation(t *testing.T) {
	t.Parallel()
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, corners(), nil); err != nil {
		t.Fatal(err)
	}
	// As the definition has it: where the first row and the first column are seen.
	want := map[uint16]string{
		1: "rgbw 48x32", 2: "grwb 48x32", 3: "wbgr 48x32", 4: "bwrg 48x32",
		5: "rbgw 32x48", 6: "brwg 32x48", 7: "wgbr 32x48", 8: "gwrb 32x48",
		0: "rgbw 48x32", 9: "rgbw 48x32", 0xffff: "rgbw 48x32",
	}
	for o, seenAs := range want {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(fmt.Sprintf("%d %v", o, order), func(t *testing.T) {
				t.Parallel()
				data := segment(plain.Bytes(), 0xe1, append([]byte("Exif\x00\x00"), exif(order, o)...))
				head, err := readHeader(data, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				img, err := head.decode(data)
				if err != nil {
					t.Fatal(err)
				}
				if got := seen(img); got != seenAs || image.Pt(head.width, head.height) != img.Bounds().Size() {
					t.Errorf("it is seen as %s, with a header of %d by %d; want %s", got, head.width, head.height, seenAs)
				}
			})
		}
	}
}

func TestOrientationOfTIFF(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := tiff.Encode(&b, corners(), nil); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	// The encoder writes no orientation: its directory is written once more at the
	// end, with one, in the order of the tags.
	order := binary.LittleEndian
	old := data[order.Uint32(data[4:]):]
	order.PutUint32(data[4:], uint32(len(data)))
	n := int(order.Uint16(old))
	data = order.AppendUint16(data, uint16(n+1))
	written := false
	for i := range n {
		entry := old[2+i*ifdEntryBytes:][:ifdEntryBytes]
		if !written && order.Uint16(entry) > orientationTag {
			written = true
			data = append(data, 0x12, 0x01, typeShort, 0, 1, 0, 0, 0, 6, 0, 0, 0)
		}
		data = append(data, entry...)
	}
	data = order.AppendUint32(data, 0)
	head, err := readHeader(data, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	img, err := head.decode(data)
	if err != nil || seen(img) != "brwg 32x48" {
		t.Errorf("it is seen as %s, %v", seen(img), err)
	}
}

// TestOrientationThatCannotBeRead holds that damage there is no reason to
// refuse a picture.
func TestOrientationThatCannotBeRead(t *testing.T) {
	t.Parallel()
	good := exif(binary.BigEndian, 6)
	far := bytes.Clone(good)
	binary.BigEndian.PutUint32(far[4:], 0xfffffff0)
	long := bytes.Clone(good)
	binary.BigEndian.PutUint32(long[22+2:], 0)
	binary.BigEndian.PutUint16(long[22+2:], 4) // not a short number
	for name, b := range map[string][]byte{
		"nothing": nil, "a head alone": good[:8], "cut in the entries": good[:20], "a directory far away": far,
		"another type": long, "no structure": []byte("whatever this is"),
	} {
		if got := tiffOrientation(b); got != upright {
			t.Errorf("%s: %d", name, got)
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "one byte": {0xff}, "a start alone": {0xff, 0xd8}, "fill bytes": bytes.Repeat([]byte{0xff}, 40),
		"a length beyond the end": {0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff, 'E'}, "a length of nothing": {0xff, 0xd8, 0xff, 0xe1, 0, 0, 0xff, 0xe1},
		"after the scan": append([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, segment([]byte{0, 0}, 0xe1, append([]byte("Exif\x00\x00"), good...))...),
	} {
		if got := orientationOf("JPEG", b); got != upright {
			t.Errorf("JPEG with %s: %d", name, got)
		}
	}
	if got := tiffOrientation(good); got != 6 {
		t.Errorf("the undamaged one: %d", got)
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(exif(binary.LittleEndian, 3))
	f.Add(segment([]byte{0xff, 0xd8, 0xff, 0xd9}, 0xe1, append([]byte("Exif\x00\x00"), exif(binary.BigEndian, 8)...)))
	f.Add([]byte{0xff, 0xd8, 0xff, 0xff, 0xff, 0xe1, 0, 3, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"JPEG", "TIFF", "PNG"} {
			if o := orientationOf(name, data); o < upright || o > lastTurning {
				t.Errorf("%s: orientation %d", name, o)
			}
		}
	})
}
