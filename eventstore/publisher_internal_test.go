package eventstore

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestLateAcknowledgementIsNobodyElses: a reply subject that was given up is
// never used again.
func TestLateAcknowledgementIsNobodyElses(t *testing.T) {
	t.Parallel()
	p := &publisher{log: &Log{cfg: LogConfig{AckTimeout: time.Minute}}, prefix: "reply."}
	first, second := &appending{}, &appending{}
	var m, n nats.Msg
	late, err := p.expect(first, &m)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.giveUp(time.Now()); len(got) != 0 {
		t.Fatalf("%d appends were given up before their time", len(got))
	}
	if got := p.giveUp(time.Now().Add(2 * time.Minute)); len(got) != 1 || got[0] != first {
		t.Fatalf("given up: %v; want the first append", got)
	}
	token, err := p.expect(second, &n)
	if err != nil || token == late || n.Reply == m.Reply {
		t.Fatalf("the second append waits under token %d (%s), as the first did (%s): %v", token, n.Reply, m.Reply, err)
	}
	if got := p.take(late); got != nil {
		t.Error("a late acknowledgement was taken for another append's")
	}
	if got := p.take(token); got != second {
		t.Errorf("the second append's acknowledgement finds %v", got)
	}
	if got := p.take(token); got != nil {
		t.Error("an acknowledgement was taken twice")
	}
	if got := p.take(7); got != nil {
		t.Error("a token that was never given finds an append")
	}
}

// FuzzReadAck compares the reader of the usual form with that of JSON.
func FuzzReadAck(f *testing.F) {
	for _, seed := range []string{
		`{"stream":"OCAPI","seq":1}`, `{"stream":"OCAPI","seq":22}`, `{"stream":"OCAPI", "seq":22}`, `{"stream":"OCAPI","seq":0}`, `{"stream":"OCAPI","seq":01}`,
		`{"stream":"OCAPI","seq":9999999999999999999}`, `{"stream":"OCAPI","seq":18446744073709551616}`, `{"stream":"OCAPI","seq":-1}`, `{"stream":"OCAPI","seq":1e3}`,
		`{"stream":"OCAPI","seq":5,"batch":"x","count":3}`, `{"stream":"OCAPI","seq":5,"duplicate":true}`, `{"stream":"OTHER","seq":5}`, `{"stream":"OCAPI","seq":}`,
		`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"},"stream":"OCAPI","seq":0}`, `{"stream":"OCAPI","seq":5`, ``, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		seq, usual := usualAck(data)
		if !usual {
			return
		}
		var ack pubAck
		if err := json.Unmarshal(data, &ack); err != nil || ack.Sequence != seq || seq == 0 || ack.Stream != streamName || ack.Error != nil || ack.BatchSize != 0 {
			t.Errorf("%s was read as sequence %d; JSON says %+v, %v", data, seq, ack, err)
		}
	})
}

func TestReadReply(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		m    nats.Msg
		seq  uint64
		err  string
	}{
		{name: "usual", m: nats.Msg{Data: []byte(`{"stream":"OCAPI","seq":7}`)}, seq: 7},
		{name: "spaced", m: nats.Msg{Data: []byte(`{"stream":"OCAPI", "seq": 7}`)}, seq: 7},
		{name: "batch", m: nats.Msg{Data: []byte(`{"stream":"OCAPI","seq":7,"batch":"b","count":2}`)}, seq: 7},
		{name: "refused", m: nats.Msg{Data: []byte(`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"OCAPI","seq":0}`)}, err: "nats: API error: code=400 err_code=10071 description=wrong last sequence: 3"},
		{name: "another's", m: nats.Msg{Data: []byte(`{"stream":"OTHER","seq":7}`)}, err: `an acknowledgement names stream "OTHER" and sequence 7`},
		{name: "none", m: nats.Msg{Data: []byte(`{"stream":"OCAPI","seq":0}`)}, err: `an acknowledgement names stream "OCAPI" and sequence 0`},
		{name: "nobody", m: nats.Msg{Header: nats.Header{"Status": {"503"}}}, err: nats.ErrNoResponders.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ack, err := readReply(&tt.m)
			if got := errorText(err); got != tt.err || ack.Sequence != tt.seq {
				t.Errorf("sequence %d, error %q; want %d, %q", ack.Sequence, got, tt.seq, tt.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
