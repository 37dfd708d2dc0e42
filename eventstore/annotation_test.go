package eventstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/domain"
	"ocapi/eventstore"
)

// annotations gives one event of each kind about annotations and the model.
func annotations() []domain.Event {
	f := domain.Finding{
		Image: "i1", Collection: "c", Truth: domain.Truth{Kind: domain.TruthText, Text: "Lande"}, Probability: 0.985,
		Votes: 3, Merged: true, Model: 2, Through: 41,
	}
	label := f
	label.Keyword, label.Merged, label.Truth = "boat", false, domain.Truth{Kind: domain.TruthMatch}
	none := f
	none.Truth = domain.Truth{}
	head := func(f domain.Finding) domain.Header {
		return domain.Header{ID: newEventID(), Challenge: domain.ChallengeID(domain.AnnotationOf(f.Image, f.Keyword)), At: domain.Moment(time.Now())}
	}
	model := head(f)
	model.Challenge = domain.ChallengeID(domain.ModelID)
	return []domain.Event{
		&domain.AnnotationAccepted{Header: head(f), Finding: f},
		&domain.AnnotationWithdrawn{Header: head(f), Finding: f, Reason: "misread"},
		&domain.AnnotationAccepted{Header: head(label), Finding: label, Reason: "seen by a curator"},
		&domain.AnnotationDisputed{Header: head(label), Finding: label},
		&domain.AnnotationWithdrawn{Header: head(label), Finding: label, Refuted: true},
		&domain.ImageUnreadable{Header: head(none), Finding: none},
		&domain.ModelFitted{Header: model, Version: 3, Body: []byte{1, 0, 255}},
	}
}

// TestLogKeepsAnnotations has every question's decisions under a subject of its
// own, and the model's under another.
func TestLogKeepsAnnotations(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	last := map[domain.ChallengeID]eventstore.Record{}
	for _, e := range annotations() {
		h := e.Head()
		before, found, err := s.log.LastLike(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if _, want := last[h.Challenge]; found != want || before.Seq != last[h.Challenge].Seq {
			t.Errorf("before %s the last of its subject is at %d (found %v), want %d", e.Name(), before.Seq, found, last[h.Challenge].Seq)
		}
		if _, err := s.log.Append(t.Context(), e, before.Seq+100); domain.CodeOf(err) != domain.CodeConflict {
			t.Errorf("%s is appended after what is not there: %v", e.Name(), err)
		}
		r, err := s.log.Append(t.Context(), e, before.Seq)
		if err != nil {
			t.Fatal(err)
		}
		last[h.Challenge] = r
		if read, _, err := s.log.LastLike(t.Context(), e); err != nil || cmp.Diff(e, read.Event) != "" {
			t.Errorf("%s was read back (%v) with differences:\n%s", e.Name(), err, cmp.Diff(e, read.Event))
		}
	}
	if len(last) != 3 {
		t.Errorf("there are %d subjects, want those of a text, of a keyword, and of the model", len(last))
	}
}

// TestArchiveKeepsAnnotations archives them amid challenges: they are found by
// themselves, are among the events, and are nobody's state.
func TestArchiveKeepsAnnotations(t *testing.T) {
	eachHome(t, func(t *testing.T, a *home) {
		batch := records(t, 1, "site", 3)
		var about []eventstore.Record
		for _, e := range annotations() {
			r := record(t, batch[len(batch)-1].Seq+1, e)
			batch, about = append(batch, r), append(about, r)
			batch = append(batch, records(t, r.Seq+1, "site", 2)...)
		}
		archive(t, a, batch...)
		for _, opened := range []eventstore.Archive{a, a.again()} {
			for skip := range about {
				after := about[skip].Seq
				var got []eventstore.Record
				if err := opened.Annotations(t.Context(), after, func(r eventstore.Record) error {
					got = append(got, r)
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(append([]eventstore.Record(nil), about[skip+1:]...), got); diff != "" {
					t.Errorf("the annotations after %d differ (-archived +read):\n%s", after, diff)
				}
			}
		}
		if diff := cmp.Diff(batch, visited(t, a, eventstore.EventFilter{})); diff != "" {
			t.Errorf("the events differ (-archived +read):\n%s", diff)
		}
		for _, rebuilt := range []bool{false, true} {
			if rebuilt {
				if _, err := a.RebuildStates(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			if _, found, err := a.State(t.Context(), about[0].Event.Head().Challenge); found || err != nil {
				t.Errorf("an annotation has a challenge's state (%v, %v), rebuilt %v", found, err, rebuilt)
			}
		}
		if err := a.Annotations(t.Context(), 0, func(eventstore.Record) error { return errors.New("enough") }); err == nil {
			t.Error("it goes on after the visitor has had enough")
		}
		a.away()
		if err := a.Annotations(t.Context(), 0, func(eventstore.Record) error { return nil }); err == nil {
			t.Error("without a database there are no annotations, which is not known")
		}
	})
}

func TestRecordJSONOfAnnotations(t *testing.T) {
	t.Parallel()
	text := domain.AnnotationOf("i1", "").String()
	label := domain.AnnotationOf("i1", "boat").String()
	const common, tail = `"image_id":"i1","collection":"c",`, `"probability":0.985,"votes":3,`
	for i, want := range []string{
		`"type":"AnnotationAccepted","version":1,"time":"1970-01-01T00:00:03.000000Z","annotation_id":"` + text + `","data":{` + common + `"truth":"Lande",` + tail + `"merged":true,"model":2,"through":41}}`,
		`"annotation_id":"` + text + `","data":{` + common + `"truth":"Lande",` + tail + `"merged":true,"model":2,"through":41,"refuted":false,"reason":"misread"}}`,
		`"annotation_id":"` + label + `","data":{` + common + `"keyword":"boat","truth":false,` + tail + `"model":2,"through":41,"reason":"seen by a curator"}}`,
		`"type":"AnnotationDisputed","version":1,"time":"1970-01-01T00:00:03.000000Z","annotation_id":"` + label + `","data":{` + common + `"keyword":"boat","truth":false,` + tail + `"model":2,"through":41}}`,
		`"data":{` + common + `"keyword":"boat","truth":false,` + tail + `"model":2,"through":41,"refuted":true}}`,
		`"type":"ImageUnreadable","version":1,"time":"1970-01-01T00:00:03.000000Z","annotation_id":"` + text + `","data":{` + common + `"truth":null,` + tail + `"merged":true,"model":2,"through":41}}`,
		`"type":"ModelFitted","version":1,"time":"1970-01-01T00:00:03.000000Z","data":{"model":3,"bytes":3,"body":"AQD/"}}`,
	} {
		e := annotations()[i]
		switch e := e.(type) { // a moment that can be written here
		case *domain.AnnotationAccepted:
			e.At = time.UnixMicro(3_000_000)
		case *domain.AnnotationDisputed:
			e.At = time.UnixMicro(3_000_000)
		case *domain.ImageUnreadable:
			e.At = time.UnixMicro(3_000_000)
		case *domain.ModelFitted:
			e.At = time.UnixMicro(3_000_000)
		}
		line, err := eventstore.RecordJSON(eventstore.Record{Seq: 9, Event: e})
		if err != nil || !strings.HasPrefix(string(line), `{"seq":9,"event_id":"`+e.Head().ID.String()+`",`) || !strings.HasSuffix(string(line), want) {
			t.Errorf("%s: %v\n%s, want it to end in\n%s", e.Name(), err, line, want)
		}
	}
}

// TestOlderStreamTakesAnnotations has the stream of a release that knew of none
// brought up to date when it is opened.
func TestOlderStreamTakesAnnotations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, eventstore.DurabilityFsync)
	js, err := jetstream.New(s.embedded.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "OCAPI")
	if err != nil {
		t.Fatal(err)
	}
	older := stream.CachedInfo().Config
	older.Subjects = []string{"challenge.*.*", "quarantine.*"}
	if _, err := js.UpdateStream(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	if _, err := s.log.Append(t.Context(), annotations()[0], 0); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("the older stream takes an annotation: %v", err)
	}
	s.close()
	s = openStore(t, dir, eventstore.DurabilityFsync)
	for _, e := range annotations() {
		last, _, err := s.log.LastLike(t.Context(), e)
		if err == nil {
			_, err = s.log.Append(t.Context(), e, last.Seq)
		}
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
	}
}
