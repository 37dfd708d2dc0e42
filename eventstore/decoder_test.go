package eventstore_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/eventstore"
)

// agree holds the decoder, and DecodeEvent, against reading field by field.
func agree(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, d *eventstore.Decoder, data []byte) {
	t.Helper()
	want, wantErr := eventstore.DecodeByField(data)
	got, err := d.Decode(string(data))
	if (err == nil) != (wantErr == nil) || err != nil && (err.Error() != wantErr.Error() || !errors.Is(err, eventstore.ErrMalformedEvent)) {
		t.Fatalf("the decoder says %v, by field it is %v", err, wantErr)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the events differ (-by field +decoder):\n%s", diff)
	}
	kept, err := eventstore.DecodeEvent(bytes.Clone(data))
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Fatalf("DecodeEvent says %v, by field it is %v", err, wantErr)
	}
	// What decoders read next must not show in it.
	for _, other := range []domain.Event{created("other", newChallengeID()), answered(created("other", newChallengeID()), domain.StatusRejected)} {
		form, err := eventstore.EncodeEvent(nil, other)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if _, err := eventstore.DecodeEvent(form); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Fatalf("the events differ (-by field +DecodeEvent):\n%s", diff)
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

// TestBriefDecoderLeavesPositionsOut reads events as the decoder does, but for
// positions, which may be damaged.
func TestBriefDecoderLeavesPositionsOut(t *testing.T) {
	t.Parallel()
	d, brief := eventstore.Decoder{}, eventstore.Decoder{Brief: true}
	left := false
	rapid.Check(t, func(r *rapid.T) {
		data, err := eventstore.EncodeEvent(nil, drawEvent(r))
		if err != nil {
			r.Fatal(err)
		}
		want, err := d.Decode(string(data))
		if err != nil {
			r.Fatal(err)
		}
		if c, ok := want.(*domain.ChallengeCreated); ok {
			left, c.Positions = left || len(c.Positions) > 0, nil
		}
		got, err := brief.Decode(string(data))
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("the events differ (-whole +brief):\n%s", diff)
		}
	})
	if !left {
		t.Error("no creation had positions")
	}
	c := created("site", newChallengeID())
	data, err := eventstore.EncodeEvent(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Replace(data, []byte(c.Positions[0].Image), bytes.Repeat([]byte{0xff}, len(c.Positions[0].Image)), 1)
	if _, err := brief.Decode(string(damaged)); err != nil {
		t.Errorf("a damaged position is looked at: %v", err)
	}
	if _, err := d.Decode(string(damaged)); err == nil {
		t.Error("the position is not damaged")
	}
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

// unusual are creations and answers with one thing in them that is not as this
// program writes it, or that is wrong.
func unusual(t testing.TB) map[string][]byte {
	t.Helper()
	c := created("site", newChallengeID())
	creation, err := eventstore.EncodeEvent(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	head, err := eventstore.EncodeEvent(nil, &domain.ChallengeAnswered{Header: c.Header})
	if err != nil {
		t.Fatal(err)
	}
	head = head[:len(head)-3] // without its body, which is empty
	part := func(n protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), v)
	}
	number := func(n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
	}
	double := func(n protowire.Number, v uint64) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(nil, n, protowire.Fixed64Type), v)
	}
	with := func(more []byte) []byte { return append(bytes.Clone(creation), more...) }
	body := func(n protowire.Number, fields ...[]byte) []byte {
		return append(bytes.Clone(head), part(n, bytes.Join(fields, nil))...)
	}
	position := func(fields ...[]byte) []byte { return body(16, part(7, []byte("c")), part(8, bytes.Join(fields, nil))) }
	return map[string][]byte{
		"nothing": nil, "only a head": head, "a body without fields": body(16), "an answer without fields": body(17),
		"a client that is no UTF-8": with(part(4, []byte{0xff})), "a client that is a number": with(number(4, 7)), "two bodies": with(part(17, nil)),
		"a moment before 1970": with(number(5, 1<<64-1)), "a number of too many bytes": with(append([]byte{5 << 3}, bytes.Repeat([]byte{0x80}, 12)...)),
		"a short id": with(part(2, []byte("short"))), "a later version": with(number(1, 2)), "a field of the future": with(part(99, nil)),
		"a tag of more bytes than it needs": with([]byte{0x88, 0x00, 0x01}), "field 0": with([]byte{0x00, 0x01}), "a length beyond the end": with([]byte{4<<3 | 2, 0x7f}),
		"a type of the future": body(16, number(1, 4)), "an image that is no UTF-8": position(part(1, []byte{0xc0})), "a role of the future": position(number(4, 4)),
		"a trust of the future": position(number(7, 3)), "a rendering beyond 32 bits": position(number(3, 1<<32)), "a collection that is not named": position(number(2, 1)),
		"a prior that is no number": position(double(8, 0x7ff8<<48)), "a prior without end": position(double(8, 0x7ff0<<48)), "a prior": position(double(8, 0x3fe8<<48)),
		"a prior cut short": body(16, part(8, []byte{8<<3 | 1, 0})), "two truths": position(number(5, 1), part(6, []byte("x"))), "a text of no letters": position(part(6, nil)),
		"37 positions": body(16, bytes.Repeat(part(8, nil), 37)), "36 positions": body(16, part(7, []byte("c")), bytes.Repeat(part(8, nil), 36)),
		"a mix beyond 8 bits": body(16, part(5, number(1, 256))), "two mixes": body(16, part(5, number(1, 3)), part(5, number(2, 4))), "a mix with more": body(16, part(5, number(5, 1))),
		"a bool of two": body(16, number(4, 2)), "a generation beyond 63 bits": body(16, number(10, 1<<63)),
		"a verdict of the future": body(17, number(1, 4)), "an empty list of texts": body(17, number(2, 1)), "texts that are not announced": body(17, part(3, []byte("a"))),
		"texts announced twice, once as absent": body(17, number(2, 1), number(2, 0)), "a text that is no UTF-8": body(17, part(3, []byte{0xff})),
		"an empty list of numbers": body(17, part(5, nil)), "numbers not packed": body(17, number(5, 3)), "a number beyond 32 bits": body(17, part(5, protowire.AppendVarint(nil, 1<<32))),
		"numbers in two parts": body(17, part(8, []byte{1}), part(8, []byte{2})), "numbers cut short": body(17, part(8, []byte{0x80})), "an empty text": body(17, part(6, nil)),
	}
}

// TestDecoderAgreesOnTheUnusual is what the fuzz test begins with, by name.
func TestDecoderAgreesOnTheUnusual(t *testing.T) {
	t.Parallel()
	var d eventstore.Decoder
	for name, data := range unusual(t) {
		t.Run(name, func(t *testing.T) { agree(t, &d, data) })
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
	for _, data := range unusual(f) {
		f.Add(data)
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
