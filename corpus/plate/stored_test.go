package plate_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"os"
	"slices"
	"testing"

	"ocapi/corpus/plate"
)

// everyPicture gives pictures of this program and of others.
func everyPicture(t testing.TB) [][]byte {
	t.Helper()
	all := pictures(t, 24, 1)
	others := encodings(t)
	for _, name := range slices.Sorted(maps.Keys(others)) {
		all = append(all, others[name])
	}
	scan := bytes.Index(all[0], []byte{0xff, 0xda})
	return append(all, all[0][:scan+200], all[0][:scan+4]) // pictures without an end
}

// TestRestoredPlatePrintsTheSame compares every byte of many prints.
func TestRestoredPlatePrintsTheSame(t *testing.T) {
	t.Parallel()
	largest := 0
	for i, picture := range everyPicture(t) {
		made, err := plate.New(picture)
		if err != nil {
			continue // the last one may be none
		}
		stored := made.Encode()
		largest = max(largest, len(stored))
		restored, err := plate.Restore(slices.Clone(picture), stored)
		if err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		if !bytes.Equal(restored.Encode(), stored) || restored.FreeBits() != made.FreeBits() || restored.Bytes() != made.Bytes() || restored.Size() != made.Size() {
			t.Errorf("picture %d: %d free bits are stored and %d restored", i, made.FreeBits(), restored.FreeBits())
		}
		clear(stored) // it is not kept
		for s := range uint64(32) {
			if !bytes.Equal(made.Print(seed(s)), restored.Print(seed(s))) {
				t.Fatalf("picture %d, seed %d: the restored plate prints something else", i, s)
			}
		}
	}
	t.Logf("the largest plate has %d bytes", largest)
	if largest > 400 {
		t.Errorf("a plate has %d bytes", largest)
	}
}

// TestWhatIsStoredIsOfAVersion goes red when New chooses other bits than before,
// or the form is another: then the version is to be raised, so that plates in
// databases are made anew, and the file here to be replaced.
func TestWhatIsStoredIsOfAVersion(t *testing.T) {
	t.Parallel()
	picture, err := os.ReadFile("testdata/picture.jpg")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/picture.plate")
	if err != nil {
		t.Fatal(err)
	}
	if got := newPlate(t, picture).Encode(); !bytes.Equal(got, want) {
		t.Errorf("the plate of version %d is\n%x\nand that of version %d was\n%x", got[0], got, want[0], want)
	}
}

// signed gives a plate the right sum for a picture.
func signed(picture, stored []byte) []byte {
	out, table := slices.Clone(stored), crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(crc32.Checksum(picture, table), table, out[:2])
	binary.BigEndian.PutUint32(out[2:], crc32.Update(sum, table, out[6:]))
	return out
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	all := pictures(t, 2, 1)
	picture, other := all[0], all[1]
	good := newPlate(t, picture).Encode()
	if _, err := plate.Restore(picture, signed(picture, good)); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	version, kind := slices.Clone(good), slices.Clone(good)
	version[0]++
	kind[1] = 3
	head := good[:6]
	for name, stored := range map[string][]byte{
		"nothing":                nil,
		"a head":                 head,
		"another picture's":      newPlate(t, other).Encode(),
		"a version to come":      signed(picture, version),
		"of no kind":             signed(picture, kind),
		"cut off":                good[:len(good)-1],
		"with more after it":     append(slices.Clone(good), 1),
		"a split beyond":         signed(picture, binary.AppendUvarint(slices.Clone(head), uint64(len(picture)+1))),
		"a bit beyond":           signed(picture, binary.AppendUvarint(binary.AppendUvarint(slices.Clone(head), 100), uint64(8*(len(picture)-100)))),
		"a number without end":   signed(picture, append(slices.Clone(good), 0x80)),
		"a number beyond all":    signed(picture, slices.Concat(head, bytes.Repeat([]byte{0xff}, 9), []byte{1})),
		"more bits than allowed": signed(picture, slices.Concat(good[:8], bytes.Repeat([]byte{1}, 129))),
		"too long":               signed(picture, slices.Concat(good, bytes.Repeat([]byte{1}, 1000))),
	} {
		if _, err := plate.Restore(picture, stored); !errors.Is(err, plate.ErrStored) {
			t.Errorf("%s: %v, want ErrStored", name, err)
		}
	}
	// Every single byte counts, of the plate and of the picture.
	for i := range good {
		turned := slices.Clone(good)
		turned[i] ^= 0x10
		if _, err := plate.Restore(picture, turned); !errors.Is(err, plate.ErrStored) {
			t.Errorf("with byte %d of the plate turned: %v, want ErrStored", i, err)
		}
	}
	for i := 0; i < len(picture); i += 97 {
		turned := slices.Clone(picture)
		turned[i] ^= 0x10
		if _, err := plate.Restore(turned, good); !errors.Is(err, plate.ErrStored) {
			t.Errorf("with byte %d of the picture turned: %v, want ErrStored", i, err)
		}
	}
}

// FuzzRestore reads anything with a right sum: it is refused, or prints within
// the print's bounds.
func FuzzRestore(f *testing.F) {
	picture := pictures(f, 1, 1)[0]
	f.Add(newPlate(f, picture).Encode())
	f.Add(newPlate(f, encodings(f)["grey PNG"]).Encode())
	f.Fuzz(func(t *testing.T, stored []byte) {
		if len(stored) < 6 {
			return
		}
		p, err := plate.Restore(picture, signed(picture, stored))
		if err != nil {
			return
		}
		if got := p.Print(seed(1)); len(got) != p.Size() {
			t.Fatalf("a print has %d bytes, want %d", len(got), p.Size())
		}
	})
}

func BenchmarkRestore(b *testing.B) {
	picture := pictures(b, 1, 1)[0]
	stored := newPlate(b, picture).Encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := plate.Restore(picture, stored); err != nil {
			b.Fatal(err)
		}
	}
}

// TestRestoredAgain restores all pictures after each other in the memory of one
// plate, and takes a clone of each, which outlives the picture's bytes.
func TestRestoredAgain(t *testing.T) {
	t.Parallel()
	again := &plate.Plate{}
	check := func(what string, i int, want, got *plate.Plate) {
		t.Helper()
		if want.Size() != got.Size() || want.FreeBits() != got.FreeBits() || !bytes.Equal(want.Print(seed(uint64(i))), got.Print(seed(uint64(i)))) {
			t.Errorf("picture %d: %s prints something else", i, what)
		}
	}
	var made, clones []*plate.Plate
	for i, picture := range everyPicture(t) {
		p, err := plate.New(picture)
		if err != nil {
			continue // the last one may be none
		}
		borrowed := slices.Clone(picture)
		if err := again.Restore(borrowed, p.Encode()); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		check("the plate that was another's", i, p, again)
		made, clones = append(made, p), append(clones, again.Clone())
		clear(borrowed)
		if i%3 == 0 {
			again.Forget()
			if len(again.Picture()) != 0 || again.FreeBits() != 0 {
				t.Errorf("picture %d is not forgotten", i)
			}
		}
		if err := again.Restore(picture, []byte("none")); !errors.Is(err, plate.ErrStored) {
			t.Errorf("picture %d: %v", i, err)
		}
	}
	for i := range made {
		check("its clone", i, made[i], clones[i])
	}
}
