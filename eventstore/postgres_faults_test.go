package eventstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/postgres/postgrestest"
)

// line is a network line to a database that can be cut at a word.
type line struct {
	listener net.Listener
	upstream string

	mu    sync.Mutex
	word  []byte     // what is waited for in what clients send; nil: nothing
	how   cut        // what happens then
	conns []net.Conn // all of them, to hang up
}

type cut int

const (
	cutBefore cut = iota // the word does not arrive
	cutAfter             // it arrives, and no answer comes back
)

// through gives the URL of a database by way of a line.
func through(t testing.TB, address string) (*line, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{upstream: u.Host}
	if l.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	go func() {
		for {
			client, err := l.listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", l.upstream)
			if err != nil {
				client.Close() //nolint:errcheck // there is nobody to connect to
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, client, server)
			l.mu.Unlock()
			l.join(client, server)
		}
	}()
	u.Host = l.listener.Addr().String()
	return l, u.String()
}

// join passes on what the two say, until the word falls.
func (l *line) join(client, server net.Conn) {
	var mu sync.Mutex
	silent := false // the client hears nothing more
	go func() {
		defer server.Close() //nolint:errcheck // the line has ended
		buffer := make([]byte, 1<<20)
		for {
			n, err := client.Read(buffer)
			how, fell := l.fell(buffer[:n])
			if fell {
				mu.Lock()
				silent = true
				mu.Unlock()
				if how == cutBefore {
					client.Close() //nolint:errcheck // that is the fault
					return
				}
			}
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer client.Close() //nolint:errcheck // the line has ended
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			mu.Lock()
			drop := silent
			mu.Unlock()
			if !drop {
				if _, err := client.Write(buffer[:n]); err != nil {
					return
				}
			}
			if err != nil && !errors.Is(err, io.EOF) || n == 0 {
				return
			}
		}
	}()
}

// fell reports whether the word is in what a client says; it falls once.
func (l *line) fell(said []byte) (how cut, fell bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.word == nil || !bytes.Contains(said, l.word) {
		return 0, false
	}
	l.word = nil
	return l.how, true
}

// cutAt has the line cut once, when a client says the word.
func (l *line) cutAt(word string, how cut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.word, l.how = []byte(word), how
}

// hangUp ends all connections.
func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close() //nolint:errcheck // it may be closed already
	}
	l.conns = nil
}

func (l *line) close() {
	l.listener.Close() //nolint:errcheck // the test has ended
	l.hangUp()
}

// TestPostgresLostAcknowledgement cuts the line while a batch is on its way and
// while its acknowledgement is. The caller is told that it failed; the next try
// archives it, or is told that somebody has.
func TestPostgresLostAcknowledgement(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		how   cut
		again error
	}{
		{"the batch is lost", cutBefore, nil},
		{"its acknowledgement is lost", cutAfter, eventstore.ErrFenced},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := postgrestest.URL(t)
			l, cutAddress := through(t, address)
			direct, a := postgresHomeAt(t, address), postgresHomeAt(t, cutAddress)
			archive(t, a, records(t, 1, "before", 2)...)
			before := contentsOf(t, direct)
			batch := records(t, 4, "the-word", 3)
			to := checkpointOf(batch[len(batch)-1])

			l.cutAt("the-word", tt.how)
			done := make(chan error, 1)
			go func() { done <- a.Append(context.Background(), before.Checkpoint, to, batch) }()
			if tt.how == cutAfter {
				eventually(t, "the batch to be archived", func() bool { return checkpoint(t, direct) == to })
				l.hangUp()
			}
			if err := <-done; err == nil || errors.Is(err, eventstore.ErrFenced) {
				t.Errorf("the batch: %v; want it to be told as failed", err)
			}
			if tt.how == cutBefore {
				if diff := cmp.Diff(before, contentsOf(t, direct)); diff != "" {
					t.Errorf("a batch that was lost left something (-before +after):\n%s", diff)
				}
			}
			if err := a.Append(t.Context(), before.Checkpoint, to, batch); !errors.Is(err, tt.again) {
				t.Errorf("the next try: %v; want %v", err, tt.again)
			}
			if diff := cmp.Diff(append(before.Events, batch...), contentsOf(t, a).Events); diff != "" {
				t.Errorf("the batch is not there once (-want +archived):\n%s", diff)
			}
		})
	}
}

// TestArchiverAfterALostAcknowledgement has the archiver itself begin anew.
func TestArchiverAfterALostAcknowledgement(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	l, cutAddress := through(t, address)
	direct := postgresHomeAt(t, address)
	s := openStore(t, postgresFolder(t, cutAddress), eventstore.DurabilityInterval)
	a, _ := s.archiver()
	want := s.load(4)
	eventually(t, "6 events archived", func() bool { return a.Position().Seq == 6 })
	for i := range 5 {
		client := domain.ClientID("word-" + string(rune('a'+i)))
		l.cutAt(string(client), []cut{cutAfter, cutBefore}[i%2])
		c := created(client, newChallengeID())
		if _, err := s.log.Append(t.Context(), c, 0); err != nil {
			t.Fatal(err)
		}
		want = append(want, c)
		if i%2 == 0 {
			eventually(t, "the event to be archived", func() bool { return checkpoint(t, direct).EventID == c.ID })
			l.hangUp()
		}
		want = append(want, s.load(2)...)
	}
	eventually(t, "all events archived", func() bool { return int(a.Position().Seq) == len(want) })
	if diff := cmp.Diff(want, eventsOf(visited(t, direct, eventstore.EventFilter{}))); diff != "" {
		t.Errorf("the archive differs from what was appended (-appended +archived):\n%s", diff)
	}
}

// TestPostgresKilledAndBack kills the server under load: what was acknowledged
// is there when it is back, and questions get an error in between, soon.
func TestPostgresKilledAndBack(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Options{Fsync: true})
	a := postgresHomeAt(t, server.URL())
	var want []eventstore.Record
	next := func() error {
		batch := records(t, eventstore.Sequence(len(want)+1), "site", 2)
		from := eventstore.Checkpoint{}
		if len(want) > 0 {
			from = checkpointOf(want[len(want)-1])
		}
		err := a.Append(context.Background(), from, checkpointOf(batch[len(batch)-1]), batch)
		if err == nil {
			want = append(want, batch...)
		}
		return err
	}
	for range 20 {
		if err := next(); err != nil {
			t.Fatal(err)
		}
	}
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		server.Kill()
	}()
	for next() == nil {
		continue // until it is dead
	}
	<-killed
	started := time.Now()
	if _, _, err := a.State(t.Context(), newChallengeID()); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("a state without a server: %v; want it unavailable", err)
	}
	if err := next(); err == nil || errors.Is(err, eventstore.ErrFenced) {
		t.Errorf("a batch without a server: %v", err)
	}
	if took := time.Since(started); took > 15*time.Second {
		t.Errorf("two questions without a server took %v", took)
	}
	server.Restart()
	// The batch that the kill met is archived or not; all told of are there.
	got := visited(t, a, eventstore.EventFilter{})
	if len(got) < len(want) || len(got) > len(want)+3 {
		t.Fatalf("%d events are archived; %d were acknowledged", len(got), len(want))
	}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Errorf("acknowledged events are lost (-acknowledged +archived):\n%s", diff)
	}
	want = got
	if err := next(); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if at, db := checkpoint(t, a), checkpointOf(want[len(want)-1]); at != db {
		t.Errorf("the checkpoint is %v; want %v", at, db)
	}
}
