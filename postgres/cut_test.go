package postgres_test

import (
	"context"
	"database/sql"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
)

// line is what connections to a server go through. It can be cut: what is sent
// is taken then and goes nowhere, and nobody is told. Connections that were made
// before it was mended stay dead.
type line struct {
	net.Listener
	target string
	end    chan struct{} // closed when the test is over

	mu   sync.Mutex
	dead chan struct{} // closed when the line is cut
}

func newLine(t *testing.T, target string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &line{Listener: l, target: target, end: make(chan struct{}), dead: make(chan struct{})}
	var group sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		close(n.end)
		group.Wait()
	})
	group.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { n.join(client) })
		}
	})
	return n
}

// join carries bytes both ways until one side closes, or the line is cut and
// the test is over.
func (n *line) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", n.target)
	if err != nil {
		return
	}
	defer server.Close()
	n.mu.Lock()
	dead := n.dead
	n.mu.Unlock()
	done := make(chan struct{}, 2)
	carry := func(from, to net.Conn) {
		buffer := make([]byte, 4096)
		for {
			size, err := from.Read(buffer)
			select {
			case <-dead:
				<-n.end
			default:
			}
			if _, writeErr := to.Write(buffer[:size]); writeErr != nil || err != nil {
				done <- struct{}{}
				return
			}
		}
	}
	go carry(client, server)
	go carry(server, client)
	select {
	case <-done:
	case <-n.end:
	}
}

func (n *line) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.dead)
}

func (n *line) mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = make(chan struct{})
}

// TestNobodyHangsOnACutLine shows that every caller gets its answer when its
// time is over, more of them than there are connections, and that all is well
// soon after the line is.
func TestNobodyHangsOnACutLine(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Options{})
	address, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	n := newLine(t, address.Host)
	address.Host = n.Addr().String()
	db, err := postgres.Open(t.Context(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	uses := map[string]func(ctx context.Context) error{
		"write": func(ctx context.Context) error { return begin(ctx, db.Write) },
		"read":  func(ctx context.Context) error { return begin(ctx, db.Read) },
		"pool": func(ctx context.Context) error {
			_, err := db.Pool.Exec(ctx, "SELECT 1")
			return err
		},
	}
	for name, use := range uses {
		if err := use(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	n.cut()
	const patience, slack = 2 * time.Second, 3 * time.Second
	var group sync.WaitGroup
	for name, use := range uses {
		for range 15 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				start := time.Now()
				err := use(ctx)
				if took := time.Since(start); err == nil || took > patience+slack {
					t.Errorf("%s on a cut line: %v after %s", name, err, took)
				}
			})
		}
	}
	group.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := postgres.Open(ctx, address.String()); err == nil {
		t.Error("a database was opened over a cut line")
	}
	n.mend()
	for name, use := range uses {
		start := time.Now()
		deadline := start.Add(30 * time.Second)
		for {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			err := use(ctx)
			cancel()
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s fails still: %v", name, err)
			}
		}
		t.Logf("%s works again after %s", name, time.Since(start))
	}
	n.cut()
	start := time.Now()
	_ = db.Close() // it may have given up
	if took := time.Since(start); took > 5*time.Second+slack {
		t.Errorf("Close took %s on a cut line", took)
	}
}

func begin(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "SELECT 1"); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
