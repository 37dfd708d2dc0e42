package clients

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ocapi/domain"
)

const (
	// PollEvery is how often a running registry asks for the revision: four
	// times within the second in which a change has to be in force.
	PollEvery = 250 * time.Millisecond

	// pollTimeout frees the poll from a database that hangs.
	pollTimeout = 2 * time.Second
)

// Registry is a copy of the clients in memory. Lookups take no lock and may
// come from any number of goroutines, before Start and after Stop too; before
// the first [Registry.Reload] or [Registry.Start] there are no clients.
type Registry struct {
	RegistryParams

	current atomic.Pointer[snapshot]
	checked atomic.Int64          // µs since 1970: when the copy was last known to be right
	failure atomic.Pointer[error] // of the last poll; nil when it worked

	loading sync.Mutex // one reader of the tables at a time, so that an older copy never replaces a newer one

	lifecycle sync.Mutex // guards the rest
	stop      context.CancelFunc
	stopped   chan struct{}
	ended     bool
}

// RegistryParams is what a registry is made of.
type RegistryParams struct {
	Read        *sql.DB  // the reading handle of a migrated database
	Keys        *Keyring // opens the private ids; nil: only those that are not sealed yet
	TestClients bool     // serve the test clients, too
	Log         *slog.Logger
	Now         func() time.Time
}

// snapshot is never changed once it is published.
type snapshot struct {
	revision int64
	byName   map[string]*domain.Client // by public id and by every alias; without disabled clients
	bySecret map[string]*domain.Client // by the id of every secret
	lost     []lostSecret              // that cannot be opened, of enabled clients
}

// NewRegistry makes a registry.
func NewRegistry(p RegistryParams) *Registry {
	r := &Registry{RegistryParams: p}
	r.current.Store(&snapshot{})
	return r
}

// Client finds an enabled client by its public id or an alias. The client is
// shared: whoever gets it changes nothing in it.
func (r *Registry) Client(publicID string) (*domain.Client, bool) {
	c, ok := r.current.Load().byName[publicID]
	return c, ok
}

// ClientOfSecret finds an enabled client by the id of one of its secrets, the
// part of a private id that protects nothing. Whether the secret lives, and is
// the one that was shown, is for the caller to see.
func (r *Registry) ClientOfSecret(secretID string) (*domain.Client, bool) {
	c, ok := r.current.Load().bySecret[secretID]
	return c, ok
}

// Len is the number of enabled clients, without test clients.
func (r *Registry) Len() int {
	n := 0
	for name, c := range r.current.Load().byName {
		if string(c.ID) == name && c.Rehearsal == domain.StatusNone {
			n++
		}
	}
	return n
}

// Age is how long ago the copy was last known to be what the database holds;
// while all is well it stays below a second. Before the first load it is the
// largest duration.
func (r *Registry) Age() time.Duration {
	at := r.checked.Load()
	if at == 0 {
		return 1<<63 - 1
	}
	return max(0, r.Now().Sub(time.UnixMicro(at)))
}

// Err is why the last look at the database failed; nil when it did not.
func (r *Registry) Err() error {
	if err := r.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// Reload brings the copy up to date. When it fails, the copy stays as it was. A
// private id that cannot be opened is no failure: it is logged, and opens
// nothing; one that could be opened before stays in force, since a node whose keys
// are an older set's is no reason to turn a partner away.
func (r *Registry) Reload(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	at := r.Now()
	before := r.current.Load()
	next := &snapshot{}
	revision, list, err := load(ctx, r.Read, func(client domain.ClientID, secret *domain.Secret, sealed string) string {
		key, err := r.Keys.open(client, secret.ID, sealed)
		if err == nil {
			return key
		}
		if key, ok := before.key(client, secret.ID); ok {
			return key
		}
		if secret.Live(at) {
			next.lost = append(next.lost, lostSecret{client, secret.ID, err})
		}
		return ""
	})
	if err != nil {
		err = fmt.Errorf("load the clients: %w", err)
		r.failure.Store(&err)
		return err
	}
	next.revision = revision
	next.byName, next.bySecret = make(map[string]*domain.Client, len(list)), make(map[string]*domain.Client, len(list))
	if r.TestClients {
		for _, t := range domain.TestClients() {
			list = append(list, t.Client())
		}
	}
	for _, c := range list {
		if c.Disabled {
			next.lost = slices.DeleteFunc(next.lost, func(l lostSecret) bool { return l.client == c.ID })
			continue
		}
		next.byName[string(c.ID)] = c
		for _, alias := range c.Aliases {
			next.byName[string(alias)] = c
		}
		for i := range c.Secrets {
			next.bySecret[c.Secrets[i].ID] = c
		}
	}
	slices.SortFunc(next.lost, func(a, b lostSecret) int {
		return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.secretID, b.secretID))
	})
	for _, l := range next.lost {
		if before.byName == nil {
			break // Start says it
		}
		if !slices.ContainsFunc(before.lost, l.same) {
			r.Log.LogAttrs(ctx, slog.LevelError, "a private id cannot be opened and is of no use", slog.String("client", string(l.client)),
				slog.String("secret_id", l.secretID), slog.Any("error", l.err))
		}
	}
	r.current.Store(next)
	r.checked.Store(at.UnixMicro())
	r.failure.Store(nil)
	return nil
}

// Start loads the clients and then follows the database until ctx ends or
// [Registry.Stop] is called. It returns when the first copy is there, or why
// there is none: the database's error, or a [LostKeyError] where private ids
// cannot be opened. A registry is started once.
func (r *Registry) Start(ctx context.Context) error {
	r.lifecycle.Lock()
	defer r.lifecycle.Unlock()
	if r.stop != nil || r.ended {
		return errors.New("start the registry of clients: it has been started or stopped before")
	}
	if err := r.Reload(ctx); err != nil {
		return err
	}
	if lost := r.current.Load().lost; len(lost) > 0 {
		return &LostKeyError{Client: lost[0].client, SecretID: lost[0].secretID, More: len(lost) - 1, Err: lost[0].err}
	}
	ctx, r.stop = context.WithCancel(ctx)
	r.stopped = make(chan struct{})
	go func() {
		defer close(r.stopped)
		r.watch(ctx)
	}()
	return nil
}

// Stop ends the following and waits until it has ended. The copy stays. It may
// be called more than once, and without a Start.
func (r *Registry) Stop() {
	r.lifecycle.Lock()
	r.ended = true
	stop, stopped := r.stop, r.stopped
	r.lifecycle.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}

func (r *Registry) watch(ctx context.Context) {
	ticker := time.NewTicker(PollEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := r.poll(ctx)
		switch {
		case ctx.Err() != nil:
			return
		// Said once when it begins and once when it ends, not four times a second.
		case err != nil && !failing:
			r.Log.LogAttrs(ctx, slog.LevelError, "clients cannot be read; those known before stay in force",
				slog.Any("error", err), slog.Duration("age", r.Age()))
		case err == nil && failing:
			r.Log.LogAttrs(ctx, slog.LevelInfo, "clients can be read again")
		}
		failing = err != nil
	}
}

// poll asks for the revision and reloads when it is another one.
func (r *Registry) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	at := r.Now()
	var revision int64
	if err := r.Read.QueryRowContext(ctx, selectRevision).Scan(&revision); err != nil {
		err = fmt.Errorf("ask for the revision of the clients: %w", err)
		r.failure.Store(&err)
		return err
	}
	// Another one, not a higher one: a restored backup counts from lower down.
	if revision != r.current.Load().revision {
		return r.Reload(ctx)
	}
	r.checked.Store(at.UnixMicro())
	r.failure.Store(nil)
	return nil
}
