package eventstore_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/migrations"
	"ocapi/postgres"
	"ocapi/postgres/postgrestest"
	"ocapi/sqlite"
)

// store is a real log and a real archive in a folder of the test's own.
type store struct {
	t        testing.TB
	dir      string
	embedded *eventstore.Embedded
	log      *eventstore.Log
	archive  eventstore.Archive
	closeDB  func() error
	mark     *eventstore.Mark
	logged   *logBuffer
	logger   *slog.Logger
}

const testMaxBytes = 64 << 20

// openStore opens a store in the folder, after reconciling log and archive.
func openStore(t testing.TB, dir string, d eventstore.Durability) *store {
	t.Helper()
	s, err := tryOpenStore(t, dir, d)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	return s
}

func tryOpenStore(t testing.TB, dir string, d eventstore.Durability) (*store, error) {
	t.Helper()
	ctx := t.Context()
	s := &store{t: t, dir: dir, logged: &logBuffer{}}
	s.logger = slog.New(slog.NewTextHandler(s.logged, nil))
	var err error
	t.Cleanup(s.close)
	if s.archive, s.closeDB, err = openArchive(ctx, dir); err != nil {
		return nil, err
	}
	at, err := s.archive.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	s.embedded, err = eventstore.StartEmbedded(eventstore.EmbeddedConfig{
		Dir: filepath.Join(dir, "log"), Durability: d, MaxBytes: testMaxBytes, Logger: s.logger,
	})
	if err != nil {
		return nil, err
	}
	if s.mark, err = eventstore.OpenMark(filepath.Join(dir, "log.mark"), s.logger); err != nil {
		return nil, err
	}
	s.log, err = s.embedded.OpenLog(ctx, eventstore.LogConfig{
		MaxBytes: testMaxBytes, Durability: d, AckTimeout: 5 * time.Second, Mark: s.mark, Now: time.Now, Logger: s.logger,
	}, at.Seq)
	if err != nil {
		return nil, err
	}
	return s, eventstore.Reconcile(ctx, s.log, s.archive, s.logger)
}

// databaseFile, in a store's folder, names the PostgreSQL that its archive is
// in; without it the archive is a SQLite file in the folder.
const databaseFile = "database.url"

// eachStore runs a test with stores over each kind of archive; folder gives an
// empty one's.
func eachStore(t *testing.T, test func(t *testing.T, folder func() string)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, t.TempDir)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, func() string { return postgresFolder(t, postgrestest.URL(t)) })
	})
}

// postgresFolder gives the folder of a store whose archive is in a database.
func postgresFolder(t testing.TB, url string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseFile), []byte(url), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openArchive opens, and makes where it is not, the archive of a store.
func openArchive(ctx context.Context, dir string) (a eventstore.Archive, closeDB func() error, err error) {
	url, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if errors.Is(err, fs.ErrNotExist) {
		db, err := sqlite.Open(ctx, filepath.Join(dir, "archive.db"))
		if err != nil {
			return nil, nil, err
		}
		return eventstore.NewSQLiteArchive(db.Write, db.Read), db.Close, migrations.Up(ctx, db.Write, migrations.Archive)
	}
	if err != nil {
		return nil, nil, err
	}
	db, err := postgres.Open(ctx, string(url))
	if err != nil {
		return nil, nil, err
	}
	return eventstore.NewPostgresArchive(db.Pool), db.Close, migrations.Up(ctx, db.Write, migrations.Postgres)
}

// close stops everything; it may be called again.
func (s *store) close() {
	if s.log != nil {
		s.log.Close()
	}
	if s.embedded != nil {
		s.embedded.Stop()
	}
	if s.closeDB != nil {
		if err := s.closeDB(); err != nil {
			s.t.Errorf("close the archive: %v", err)
		}
	}
	if s.mark != nil {
		if err := s.mark.Close(); err != nil {
			s.t.Errorf("close the mark: %v", err)
		}
	}
	s.log, s.embedded, s.closeDB, s.mark = nil, nil, nil, nil
}

// archiver runs an archiver until the returned function is called.
func (s *store) archiver() (a *eventstore.Archiver, stop func()) {
	a = eventstore.NewArchiver(s.log, s.archive, s.logger, time.Now)
	a.SetStallAfter(200 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	s.t.Cleanup(stop)
	return a, stop
}

// patience bounds every wait: far more than anything takes on a busy machine.
const patience = 60 * time.Second

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for: %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func newEventID() domain.EventID {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err) // the test machine has no randomness
	}
	return domain.EventID{UUID: domain.UUID(id)}
}

func newChallengeID() domain.ChallengeID {
	return domain.ChallengeID{UUID: newEventID().UUID}
}

// created makes a creation as the domain would decide it.
func created(client domain.ClientID, id domain.ChallengeID) *domain.ChallengeCreated {
	now := domain.Moment(time.Now())
	return &domain.ChallengeCreated{
		Header: domain.Header{ID: newEventID(), Challenge: id, Client: client, At: now},
		Type:   domain.TypeTranscription,
		Credit: "An archive",
		Positions: []domain.Position{
			{Image: "k1", Collection: "c", Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: "juillet"}, Trust: domain.TrustImported},
			{Image: "u1", Collection: "c", Rendering: 2, Role: domain.RoleUnknown},
		},
		Mix:       domain.Mix{Texts: 1, Unknown: 1},
		ExpiresAt: now.Add(domain.Lifetime),
	}
}

func answered(c *domain.ChallengeCreated, verdict domain.Status) *domain.ChallengeAnswered {
	return &domain.ChallengeAnswered{
		Header:  domain.Header{ID: newEventID(), Challenge: c.Challenge, Client: c.Client, At: domain.Moment(time.Now())},
		Answer:  domain.Answer{Texts: []string{"juillet", "août"}},
		Verdict: verdict,
	}
}

// logBuffer collects log lines.
type logBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}
