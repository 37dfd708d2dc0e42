package eventstore_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/eventstore"
)

// agree holds the decoder against DecodeEvent.
func agree(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, d *eventstore.Decoder, data []byte) {
	t.Helper()
	want, wantErr := eventstore.DecodeEvent(data)
	got, err := d.Decode(string(data))
	if (err == nil) != (wantErr == nil) || err != nil && (err.Error() != wantErr.Error() || !errors.Is(err, eventstore.ErrMalformedEvent)) {
		t.Fatalf("the decoder says %v, DecodeEvent says %v", err, wantErr)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the events differ (-DecodeEvent +decoder):\n%s", diff)
	}
}

// TestDecoderReadsAsDecodeEvent has one decoder read many events, so that
// nothing of one is left in the next.
func TestDecoderReadsAsDecodeEvent(t *testing.T) {
	t.Parallel()
	var d eventstore.Decoder
	rapid.Check(t, func(r *rapid.T) {
		data, err := eventstore.EncodeEvent(nil, drawEvent(r))
		if err != nil {
			r.Fatal(err)
		}
		agree(r, &d, data)
	})
}

// TestDecoderAllocatesNothing is what the decoder is there for.
func TestDecoderAllocatesNothing(t *testing.T) {
	c := created("site", newChallengeID())
	var forms []string
	for _, e := range []domain.Event{c, answered(c, domain.StatusValidated)} {
		data, err := eventstore.EncodeEvent(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms, string(data))
	}
	var d eventstore.Decoder
	if n := testing.AllocsPerRun(100, func() {
		for _, f := range forms {
			if _, err := d.Decode(f); err != nil {
				t.Error(err)
			}
		}
	}); n > 0 {
		t.Errorf("%g allocations for two events", n)
	}
}

// FuzzDecoder compares the two readers of the stored form on any bytes.
func FuzzDecoder(f *testing.F) {
	c := created("site", newChallengeID())
	a := answered(c, domain.StatusValidated)
	a.Answer = domain.Answer{Selected: []uint32{0, 300}, Unreadable: []uint32{}}
	negative := protowire.AppendVarint(protowire.AppendTag(nil, 5, protowire.VarintType), 1<<64-1)
	for _, e := range []domain.Event{c, a, answered(c, domain.StatusRejected), quarantined("site", domain.TextPattern("lande"))} {
		data, err := eventstore.EncodeEvent(nil, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)-1])
		f.Add(append(data, negative...))
		f.Add(append(data, data...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d eventstore.Decoder
		agree(t, &d, data)
		agree(t, &d, data)
	})
}

func BenchmarkDecoder(b *testing.B) {
	data, err := eventstore.EncodeEvent(nil, created("site", newChallengeID()))
	if err != nil {
		b.Fatal(err)
	}
	text := string(data)
	var d eventstore.Decoder
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
