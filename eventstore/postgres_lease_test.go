package eventstore_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"ocapi/eventstore"
	"ocapi/postgres/postgrestest"
)

// leaseURL tells a child of TestPostgresLeaseOfADeadProcess what to hold.
const leaseURL = "OCAPI_TEST_LEASE_URL"

func takeLease(t *testing.T, a eventstore.Archive) func() {
	t.Helper()
	release, ok, err := a.TryLease(t.Context())
	if err != nil || !ok {
		t.Fatalf("the lease: %t, %v; want it given", ok, err)
	}
	t.Cleanup(release)
	return release
}

func refuseLease(t *testing.T, a eventstore.Archive) {
	t.Helper()
	if release, ok, err := a.TryLease(t.Context()); err != nil || ok {
		t.Errorf("the lease that another has: %t, %v; want it refused", ok, err)
		if ok {
			release()
		}
	}
}

func TestPostgresLeaseIsOnes(t *testing.T) {
	t.Parallel()
	a, _, _ := postgresArchive(t)
	b := a.again()
	release := takeLease(t, a)
	for range 20 { // as often as there are connections, and more
		refuseLease(t, b)
		refuseLease(t, a)
	}
	neighbour, _, _ := postgresArchive(t) // the same database, another schema
	takeLease(t, neighbour)
	release()
	takeLease(t, b)
	refuseLease(t, a)
}

// TestPostgresLeaseEndsWithItsConnection cuts the connection that the lease is
// on, and then closes the pool that it came from.
func TestPostgresLeaseEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	a, db, _ := postgresArchive(t)
	b := a.again()
	release := takeLease(t, a)
	const holders = `SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_database ON pg_database.oid = database
		WHERE locktype = 'advisory' AND granted AND datname = current_database()
		AND (classid::bigint << 32 | objid::bigint) = hashtextextended('ocapi archive in ' || current_schema(), 0)`
	var ended int
	if err := db.Pool.QueryRow(t.Context(), holders).Scan(&ended); err != nil || ended != 1 {
		t.Fatalf("%d connections had the lease, %v; want 1", ended, err)
	}
	var keep func() // whoever forgets it has its connection collected, and the lease with it
	eventually(t, "the lease to be free", func() (ok bool) {
		var err error
		keep, ok, err = b.TryLease(t.Context())
		return err == nil && ok
	})
	release() // what is lost already
	refuseLease(t, a)
	keep()

	// A lease does not keep its pool from closing, and outlives it.
	c, _, _ := postgresArchive(t)
	other := c.again()
	takeLease(t, c)
	c.away()
	refuseLease(t, other)
}

// TestPostgresLeaseOfADeadProcess kills a process that has the lease.
func TestPostgresLeaseOfADeadProcess(t *testing.T) {
	if url := os.Getenv(leaseURL); url != "" {
		holdLease(t, url)
	}
	t.Parallel()
	url := postgrestest.URL(t)
	a := postgresHomeAt(t, url)
	child := exec.Command(os.Args[0], "-test.run", "^TestPostgresLeaseOfADeadProcess$")
	child.Env = append(os.Environ(), leaseURL+"="+url)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()         //nolint:errcheck // it is killed
	defer child.Process.Kill() //nolint:errcheck // it may be dead already
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	refuseLease(t, a)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	eventually(t, "the lease of the dead to be free", func() bool {
		release, ok, err := a.TryLease(t.Context())
		if ok {
			release()
		}
		return err == nil && ok
	})
	took := time.Since(killed)
	t.Logf("the lease was free %v after the kill", took)
	if took > 5*time.Second {
		t.Errorf("the lease was free %v after the kill; want at most 5 s", took)
	}
}

// holdLease takes the lease, says so, and waits to be killed.
func holdLease(t *testing.T, url string) {
	t.Helper()
	db := postgrestest.Open(t, url)
	takeLease(t, eventstore.NewPostgresArchive(db.Pool))
	if _, err := io.WriteString(os.Stdout, "held\n"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // the parent kills it, or is dead itself
	os.Exit(1)
}
