package eventstore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"ocapi/domain"
	"ocapi/eventstore"
)

// schema compiles event.proto, the form that other programs read.
func schema(t testing.TB) protoreflect.MessageDescriptor {
	t.Helper()
	source, err := os.ReadFile("event.proto")
	if err != nil {
		t.Fatal(err)
	}
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"event.proto": string(source)}),
	}}
	files, err := compiler.Compile(t.Context(), "event.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Messages().ByName("Event")
}

// TestCodecFollowsSchema holds the codec against the schema both ways: what we
// write, protobuf's own library reads without an unknown field and writes back,
// and we read that as the same event.
func TestCodecFollowsSchema(t *testing.T) {
	t.Parallel()
	event := schema(t)
	rapid.Check(t, func(r *rapid.T) {
		e := drawEvent(r)
		data, err := eventstore.EncodeEvent(nil, e)
		if err != nil {
			r.Fatal(err)
		}
		m := dynamicpb.NewMessage(event)
		if err := proto.Unmarshal(data, m); err != nil {
			r.Fatalf("protobuf cannot read what was written: %v", err)
		}
		refuseUnknown(r, m)
		theirs, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			r.Fatal(err)
		}
		back, err := eventstore.DecodeEvent(theirs)
		if err != nil {
			r.Fatalf("read what protobuf wrote: %v", err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			r.Fatalf("the event changed on its way (-written +read):\n%s", diff)
		}
		again, err := eventstore.EncodeEvent([]byte("prefix"), back)
		if err != nil || !bytes.Equal(again, append([]byte("prefix"), data...)) {
			r.Fatalf("the same event gave other bytes (%v)", err)
		}
	})
}

func refuseUnknown(r *rapid.T, m protoreflect.Message) {
	if len(m.GetUnknown()) > 0 {
		r.Fatalf("%s has fields that its schema does not know: %x", m.Descriptor().Name(), m.GetUnknown())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				refuseUnknown(r, v.List().Get(i).Message())
			}
		default:
			refuseUnknown(r, v.Message())
		}
		return true
	})
}

func drawEvent(r *rapid.T) domain.Event {
	text := rapid.StringN(0, 30, 100)
	var id domain.EventID
	var challenge domain.ChallengeID
	copy(id.UUID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "event id"))
	copy(challenge.UUID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "challenge id"))
	moment := func(name string) time.Time {
		return time.UnixMicro(rapid.Int64Range(-1e15, 4e15).Draw(r, name)).UTC()
	}
	h := domain.Header{ID: id, Challenge: challenge, Client: domain.ClientID(text.Draw(r, "client")), At: moment("at")}
	kind := rapid.IntRange(0, 9).Draw(r, "kind of event")
	if kind >= 4 && kind <= 8 {
		return drawAnnotation(r, h, kind)
	}
	switch kind {
	case 2:
		return &domain.VotesQuarantined{
			Header: h, From: moment("from"), To: moment("to"), Reason: text.Draw(r, "reason"), Automatic: rapid.Bool().Draw(r, "automatic"),
			Pattern: domain.VotePattern{
				Kind: domain.PatternKind(rapid.IntRange(0, 2).Draw(r, "pattern")), Text: text.Draw(r, "folded"),
				Selected: rapid.Uint64().Draw(r, "mask"), Positions: uint8(rapid.IntRange(0, domain.MaxPositions).Draw(r, "positions of the pattern")),
			},
		}
	case 9:
		e := &domain.VerdictConsumed{Header: h, AnsweredAt: moment("answered")}
		if rapid.Bool().Draw(r, "has a key") {
			copy(e.Key.UUID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "key"))
		}
		return e
	case 3:
		return &domain.QuarantineLifted{Header: h, Reason: text.Draw(r, "reason")}
	case 0:
		e := &domain.ChallengeCreated{
			Header: h, Type: domain.ChallengeType(rapid.IntRange(0, 3).Draw(r, "type")),
			Keyword: text.Draw(r, "keyword"), Credit: text.Draw(r, "credit"), WhollyKnown: rapid.Bool().Draw(r, "wholly"),
			Mix: domain.Mix{
				Matches: rapid.Uint8().Draw(r, "matches"), NonMatches: rapid.Uint8().Draw(r, "non-matches"),
				Texts: rapid.Uint8().Draw(r, "texts"), Unknown: rapid.Uint8().Draw(r, "unknown"),
			},
			ExpiresAt: moment("expires"), Generation: rapid.Uint64().Draw(r, "generation"), Language: text.Draw(r, "language"),
		}
		for range rapid.IntRange(0, 9).Draw(r, "positions") {
			p := domain.Position{
				Image: domain.ImageID(text.Draw(r, "image")), Collection: domain.CollectionID(rapid.SampledFrom([]string{"", "a", "b"}).Draw(r, "collection")),
				Rendering: rapid.Uint32().Draw(r, "rendering"), Role: domain.Role(rapid.IntRange(0, 3).Draw(r, "role")),
				Trust: domain.Trust(rapid.IntRange(0, 2).Draw(r, "trust")), Prior: rapid.Float64Range(0, 1).Draw(r, "prior"),
			}
			switch rapid.IntRange(0, 2).Draw(r, "truth") {
			case 1:
				p.Expected = domain.Truth{Kind: domain.TruthMatch, Match: rapid.Bool().Draw(r, "match")}
			case 2:
				p.Expected = domain.Truth{Kind: domain.TruthText, Text: text.Draw(r, "text")}
			}
			e.Positions = append(e.Positions, p)
		}
		return e
	}
	e := &domain.ChallengeAnswered{Header: h, Verdict: domain.Status(rapid.IntRange(0, 3).Draw(r, "verdict"))}
	if rapid.Bool().Draw(r, "has texts") {
		e.Answer.Texts = rapid.SliceOfN(text, 0, 4).Draw(r, "texts")
	}
	if rapid.Bool().Draw(r, "has selected") {
		e.Answer.Selected = rapid.SliceOfN(rapid.Uint32(), 0, 9).Draw(r, "selected")
	}
	if rapid.Bool().Draw(r, "has text") {
		s := text.Draw(r, "heard")
		e.Answer.Text = &s
	}
	if rapid.Bool().Draw(r, "has unreadable") {
		e.Answer.Unreadable = rapid.SliceOfN(rapid.Uint32(), 0, 9).Draw(r, "unreadable")
	}
	return e
}

// drawAnnotation draws an event about an annotation or about the model.
func drawAnnotation(r *rapid.T, h domain.Header, kind int) domain.Event {
	text := rapid.StringN(0, 30, 100)
	f := domain.Finding{
		Image: domain.ImageID(text.Draw(r, "image")), Collection: domain.CollectionID(text.Draw(r, "collection")), Keyword: text.Draw(r, "keyword"),
		Probability: rapid.Float64Range(0, 1).Draw(r, "probability"), Votes: rapid.Uint32().Draw(r, "votes"), Merged: rapid.Bool().Draw(r, "merged"),
		Model: rapid.Uint64().Draw(r, "model"), Through: domain.Sequence(rapid.Uint64().Draw(r, "through")),
	}
	switch rapid.IntRange(0, 2).Draw(r, "truth") {
	case 1:
		f.Truth = domain.Truth{Kind: domain.TruthMatch, Match: rapid.Bool().Draw(r, "match")}
	case 2:
		f.Truth = domain.Truth{Kind: domain.TruthText, Text: text.Draw(r, "text")}
	}
	switch kind {
	case 4:
		return &domain.AnnotationAccepted{Header: h, Finding: f, Reason: text.Draw(r, "reason")}
	case 5:
		return &domain.AnnotationDisputed{Header: h, Finding: f}
	case 6:
		return &domain.ImageUnreadable{Header: h, Finding: f}
	case 7:
		return &domain.AnnotationWithdrawn{Header: h, Finding: f, Refuted: rapid.Bool().Draw(r, "refuted"), Reason: text.Draw(r, "reason")}
	}
	e := &domain.ModelFitted{Header: h, Version: rapid.Uint64().Draw(r, "version")}
	if body := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(r, "body"); len(body) > 0 {
		e.Body = body
	}
	return e
}

func TestDecodeEventRefuses(t *testing.T) {
	t.Parallel()
	good, err := eventstore.EncodeEvent(nil, created("site", newChallengeID()))
	if err != nil {
		t.Fatal(err)
	}
	bytesField := func(n protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), v)
	}
	uintField := func(n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
	}
	with := func(more []byte) []byte { return append(bytes.Clone(good), more...) }
	for _, tt := range []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "version 0"},
		{"a later version", with(uintField(1, 2)), "version 2"},
		{"cut short", good[:len(good)-1], "unexpected EOF"},
		{"a short id", with(bytesField(2, []byte("short"))), "16"},
		{"two bodies", with(bytesField(17, nil)), "two bodies"},
		{"another wire type", with(uintField(4, 7)), "wire type"},
		{"not UTF-8", with(bytesField(4, []byte{0xff})), "UTF-8"},
		{"a creation and a quarantine", with(bytesField(18, nil)), "two bodies"},
		{"a creation and a model", with(bytesField(24, nil)), "two bodies"},
		{"votes beyond counting", with(bytesField(20, bytesField(1, uintField(7, 1<<32)))), "out of range"},
		{"a creation and a consumption", with(bytesField(25, nil)), "two bodies"},
		{"a short key", with(bytesField(25, bytesField(2, []byte("short")))), "16"},
		{"a pattern of the future", with(bytesField(18, bytesField(1, uintField(1, 3)))), "out of range"},
		{"a role of the future", with(bytesField(16, bytesField(8, uintField(4, 9)))), "out of range"},
		{"a collection that is not named", with(bytesField(16, bytesField(8, uintField(2, 1)))), "collection 1 of 0"},
		{"too many positions", with(bytesField(16, bytes.Repeat(bytesField(8, nil), 37))), "more than 36"},
		{"no body", good[:2], "missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := eventstore.DecodeEvent(tt.data)
			if !errors.Is(err, eventstore.ErrMalformedEvent) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v; want a malformed event that says %q", err, tt.says)
			}
		})
	}
	if _, err := eventstore.DecodeEvent(with(bytesField(99, []byte("of the future")))); err != nil {
		t.Errorf("a field of the future: %v; want it skipped", err)
	}
}

func TestEncodeEventRefusesTheHuge(t *testing.T) {
	t.Parallel()
	c := created("site", newChallengeID())
	a := answered(c, domain.StatusRejected)
	a.Answer.Texts[0] = strings.Repeat("x", eventstore.MaxEventBytes)
	if _, err := eventstore.EncodeEvent(nil, a); err == nil {
		t.Error("an event beyond the bound was encoded")
	}
}

// FuzzDecodeEvent checks that no bytes can make the decoder panic, and that
// what it accepts it can write and read again.
func FuzzDecodeEvent(f *testing.F) {
	c := created("site", newChallengeID())
	for _, e := range append(annotations(), c, answered(c, domain.StatusValidated), quarantined("site", domain.TextPattern("lande")), lifted(quarantined("", domain.VotePattern{})), consumed(c)) {
		data, err := eventstore.EncodeEvent(nil, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := eventstore.DecodeEvent(data)
		if err != nil {
			return
		}
		again, err := eventstore.EncodeEvent(nil, e)
		if err != nil {
			return // larger than it was: unpacked lists, say
		}
		back, err := eventstore.DecodeEvent(again)
		if err != nil {
			t.Fatalf("read what was accepted and written again: %v", err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Fatalf("the event changed (-first +second):\n%s", diff)
		}
	})
}

func TestRecordJSON(t *testing.T) {
	t.Parallel()
	c := created("site", newChallengeID())
	c.At = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c.ExpiresAt = c.At.Add(domain.Lifetime)
	c.Positions = append(c.Positions, domain.Position{Image: "m1", Collection: "c", Role: domain.RoleSentinel, Expected: domain.Truth{Kind: domain.TruthMatch}})
	line, err := eventstore.RecordJSON(eventstore.Record{Seq: 7, Event: c})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"seq": 7.0, "event_id": c.ID.String(), "type": "ChallengeCreated", "version": 1.0, "time": "2026-03-01T12:00:00.000000Z",
		"client_id": "site", "challenge_id": c.Challenge.String(),
		"data": map[string]any{
			"type": "transcription", "credit": "An archive", "wholly_known": false, "expires_at": "2026-03-01T12:20:00.000000Z",
			"mix": map[string]any{"matches": 0.0, "non_matches": 0.0, "texts": 1.0, "unknown": 1.0},
			"images": []any{
				map[string]any{"position": 0.0, "image_id": "k1", "collection": "c", "rendering": 0.0, "role": "known", "expected": "juillet", "trust": "imported"},
				map[string]any{"position": 1.0, "image_id": "u1", "collection": "c", "rendering": 2.0, "role": "unknown", "expected": nil},
				map[string]any{"position": 2.0, "image_id": "m1", "collection": "c", "rendering": 0.0, "role": "sentinel", "expected": false},
			},
		},
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("the view differs (-want +got):\n%s", diff)
	}
	a := answered(c, domain.StatusRejected)
	a.Answer = domain.Answer{Selected: []uint32{}, Unreadable: []uint32{1}}
	line, err = eventstore.RecordJSON(eventstore.Record{Seq: 8, Event: a})
	if want := `"data":{"verdict":"rejected","selected":[],"unreadable":[1]}}`; err != nil || !strings.HasSuffix(string(line), want) {
		t.Errorf("the answer's view is %s (%v); want it to end in %s", line, err, want)
	}
}

func TestRecordJSONOfQuarantines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		pattern domain.VotePattern
		want    string
	}{
		{"a text", domain.TextPattern("Lande"), `"text":"lande",`},
		{"no letter", domain.TextPattern("?"), `"text":"",`},
		{"a selection", domain.SelectionPattern([]uint32{0, 8}, 9), `"selected":[0,8],"positions":9,`},
		{"nothing selected", domain.SelectionPattern(nil, 9), `"selected":[],"positions":9,`},
		{"all votes", domain.VotePattern{}, ``},
	} {
		q := quarantined("site", tt.pattern)
		q.At, q.From, q.To = time.UnixMicro(3_000_000), time.UnixMicro(1_000_000), time.UnixMicro(2_000_000)
		line, err := eventstore.RecordJSON(eventstore.Record{Seq: 9, Event: q})
		want := `{"seq":9,"event_id":"` + q.ID.String() + `","type":"VotesQuarantined","version":1,"time":"1970-01-01T00:00:03.000000Z","client_id":"site",` +
			`"quarantine_id":"` + q.Challenge.String() + `","data":{"from":"1970-01-01T00:00:01.000000Z","to":"1970-01-01T00:00:02.000000Z",` + tt.want +
			`"reason":"a flood","automatic":true}}`
		if err != nil || string(line) != want {
			t.Errorf("%s: %v\n%s, want\n%s", tt.name, err, line, want)
		}
	}
	line, err := eventstore.RecordJSON(eventstore.Record{Seq: 9, Event: lifted(quarantined("", domain.VotePattern{}))})
	if want := `"type":"QuarantineLifted"`; err != nil || !strings.Contains(string(line), want) || !strings.HasSuffix(string(line), `"data":{"reason":"no flood"}}`) {
		t.Errorf("%v: %s", err, line)
	}
}

func TestRecordJSONOfConsumptions(t *testing.T) {
	t.Parallel()
	e := consumed(created("site", newChallengeID()))
	e.At, e.AnsweredAt = time.UnixMicro(3_000_000), time.UnixMicro(1_000_000)
	line, err := eventstore.RecordJSON(eventstore.Record{Seq: 9, Event: e})
	want := `{"seq":9,"event_id":"` + e.ID.String() + `","type":"VerdictConsumed","version":1,"time":"1970-01-01T00:00:03.000000Z","client_id":"site",` +
		`"challenge_id":"` + e.Challenge.String() + `","data":{"answered_at":"1970-01-01T00:00:01.000000Z","idempotency_key":"` + e.Key.String() + `"}}`
	if err != nil || string(line) != want {
		t.Errorf("%v\n%s, want\n%s", err, line, want)
	}
	e.Key = domain.IdempotencyKey{}
	if line, err = eventstore.RecordJSON(eventstore.Record{Seq: 9, Event: e}); err != nil || strings.Contains(string(line), "idempotency_key") {
		t.Errorf("without a key: %v, %s", err, line)
	}
}

// consumed makes the consumption of a challenge as the domain would decide it.
func consumed(c *domain.ChallengeCreated) *domain.VerdictConsumed {
	e := &domain.VerdictConsumed{
		Header:     domain.Header{ID: newEventID(), Challenge: c.Challenge, Client: c.Client, At: c.At.Add(2 * time.Minute)},
		AnsweredAt: c.At.Add(time.Minute),
	}
	copy(e.Key.UUID[:], "sixteen bytes...")
	return e
}

func BenchmarkCodec(b *testing.B) {
	c := created("site", newChallengeID())
	data, err := eventstore.EncodeEvent(nil, c)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := eventstore.EncodeEvent(nil, c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := eventstore.DecodeEvent(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode by field", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := eventstore.DecodeByField(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
