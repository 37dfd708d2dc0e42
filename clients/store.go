package clients

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ocapi/domain"
)

// Store reads and changes the tables of clients. It is safe for concurrent
// use. Errors are [domain.Error] where a method says so; anything else is the
// database's.
type Store struct {
	write, read *sql.DB
	now         func() time.Time
	keys        *Keyring
	noKeys      error
}

// Params is what a store is made of.
type Params struct {
	Write, Read *sql.DB // of a migrated database, be it a file of collections or PostgreSQL; Write may be nil where nothing is changed
	Now         func() time.Time
	Keys        *Keyring // seals private ids; nil: none can be made
	NoKeys      error    // why Keys is nil, for whoever needs them; nil: [ErrNoKey]
}

// New makes a store.
func New(p Params) *Store {
	if p.NoKeys == nil {
		p.NoKeys = ErrNoKey
	}
	return &Store{write: p.Write, read: p.Read, now: p.Now, keys: p.Keys, noKeys: p.NoKeys}
}

// CreateParams describes a new client.
type CreateParams struct {
	ID          string
	Aliases     []string               // other public ids of the same client
	Collections []domain.CollectionID  // empty: all that are not the demo's, else the demo's; whether they exist is not checked
	Limit       domain.Limit           // zero: the service's default
	Types       []domain.ChallengeType // empty: all
	Languages   []string               // BCP 47 tags; empty: all
	Origins     []string               // of its pages; empty: any
	SiteVerify  bool                   // its verdicts may be consumed
}

const (
	selectName = `SELECT client FROM client_names WHERE name = $1`

	insertClient = `INSERT INTO clients (id, disabled, created_at) VALUES ($1, 0, $2)`

	insertName = `INSERT INTO client_names (name, client) VALUES ($1, $2)`

	insertCollection = `INSERT INTO client_collections (client, collection) VALUES ($1, $2) ON CONFLICT DO NOTHING`

	insertSecret = `INSERT INTO client_secrets (id, client, key, sealed, created_at, expires_at) VALUES ($1, $2, '', $3, $4, NULL)`

	// Never later than it was: an overlap may shorten a secret's life only.
	expireSecrets = `UPDATE client_secrets SET expires_at = $1
		WHERE client = $2 AND (expires_at IS NULL OR expires_at > $1)`

	// What is dead cannot come back, so its key need not be kept.
	deleteDeadSecrets = `DELETE FROM client_secrets WHERE client = $1 AND expires_at IS NOT NULL AND expires_at <= $2`

	deleteSecret = `DELETE FROM client_secrets WHERE client = $1 AND id = $2`

	upsertLimit = `INSERT INTO client_limits (client, per_second, burst) VALUES ($1, $2, $3)
		ON CONFLICT (client) DO UPDATE SET per_second = excluded.per_second, burst = excluded.burst`

	deleteLimit = `DELETE FROM client_limits WHERE client = $1`

	updateDisabled = `UPDATE clients SET disabled = $1 WHERE id = $2 AND disabled <> $1`

	// It changes nothing and takes the row's lock. SQLite's writers take turns
	// anyway; of PostgreSQL's, two would read what both are about to change.
	takeTurn = `UPDATE client_revision SET revision = revision WHERE id = 1`

	raiseRevision = `UPDATE client_revision SET revision = revision + 1 WHERE id = 1`
)

// Create adds a client with its first secret. The secret is given here once
// and never again; the client's Secrets have no Key. The error is
// CodeInvalid for a malformed id or alias (or one named twice) or limit or
// setting, and CodeConflict for a name that is taken; then nothing is changed.
func (s *Store) Create(ctx context.Context, p CreateParams) (domain.Client, PrivateID, error) {
	client, names, err := newClient(p)
	if err != nil {
		return domain.Client{}, PrivateID{}, err
	}
	secret, now := newPrivateID(), domain.Moment(s.now())
	err = s.change(ctx, func(tx *sql.Tx) (bool, error) {
		for _, name := range names {
			if err := free(ctx, tx, name); err != nil {
				return false, err
			}
		}
		if _, err := tx.ExecContext(ctx, insertClient, client.ID, now.UnixMicro()); err != nil {
			return false, err
		}
		for _, name := range names {
			if _, err := tx.ExecContext(ctx, insertName, name, client.ID); err != nil {
				return false, err
			}
		}
		if client.Limit != (domain.Limit{}) {
			if _, err := tx.ExecContext(ctx, upsertLimit, client.ID, client.Limit.PerSecond, client.Limit.Burst); err != nil {
				return false, err
			}
		}
		for _, collection := range client.Collections {
			if _, err := tx.ExecContext(ctx, insertCollection, client.ID, collection); err != nil {
				return false, err
			}
		}
		if err := insertSettings(ctx, tx, &client); err != nil {
			return false, err
		}
		return true, s.addSecret(ctx, tx, client.ID, secret, now)
	})
	if err != nil {
		return domain.Client{}, PrivateID{}, wrap(err, "create the client %s", client.ID)
	}
	client.CreatedAt = now
	client.Secrets = []domain.Secret{{ID: secret.SecretID(), CreatedAt: now}}
	return client, secret, nil
}

// Rotate gives the client, named by its id or an alias, a new secret. Those it
// had live for overlap longer, or less where that was decided before; zero
// ends them now. The error is CodeInvalid for a negative overlap and
// CodeNotFound for an unknown client. It works on a disabled client.
func (s *Store) Rotate(ctx context.Context, id string, overlap time.Duration) (PrivateID, error) {
	if overlap < 0 {
		return PrivateID{}, domain.Invalid("overlap", "the overlap is %s; it cannot be negative", overlap)
	}
	secret, now := newPrivateID(), domain.Moment(s.now())
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		client, err := find(ctx, tx, id)
		if err != nil {
			return false, err
		}
		if _, err := tx.ExecContext(ctx, expireSecrets, now.Add(overlap).UnixMicro(), client); err != nil {
			return false, err
		}
		if _, err := tx.ExecContext(ctx, deleteDeadSecrets, client, now.UnixMicro()); err != nil {
			return false, err
		}
		return true, s.addSecret(ctx, tx, client, secret, now)
	})
	if err != nil {
		return PrivateID{}, wrap(err, "rotate the private id of the client %s", id)
	}
	return secret, nil
}

// Revoke ends one secret of the client now, the last one too: the client then
// exists, but no token of it is valid. The error is CodeNotFound for an
// unknown client or secret.
func (s *Store) Revoke(ctx context.Context, id, secretID string) error {
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		client, err := find(ctx, tx, id)
		if err != nil {
			return false, err
		}
		gone, err := affected(tx.ExecContext(ctx, deleteSecret, client, secretID))
		if err == nil && !gone {
			err = domain.NotFound("the client %s has no private id %.40q", client, secretID)
		}
		return gone, err
	})
	return wrap(err, "revoke a private id of the client %s", id)
}

// Disable makes the client as if it did not exist, until [Store.Enable]. Doing
// it twice changes nothing. The error is CodeNotFound for an unknown client.
func (s *Store) Disable(ctx context.Context, id string) error {
	return wrap(s.setDisabled(ctx, id, true), "disable the client %s", id)
}

// Enable takes [Store.Disable] back; otherwise as it.
func (s *Store) Enable(ctx context.Context, id string) error {
	return wrap(s.setDisabled(ctx, id, false), "enable the client %s", id)
}

func (s *Store) setDisabled(ctx context.Context, id string, disabled bool) error {
	value := 0
	if disabled {
		value = 1
	}
	return s.change(ctx, func(tx *sql.Tx) (bool, error) {
		client, err := find(ctx, tx, id)
		if err != nil {
			return false, err
		}
		return affected(tx.ExecContext(ctx, updateDisabled, value, client))
	})
}

// SetLimit gives the client, named by its id or an alias, a limit of its own
// for challenges without a proof of work; the zero limit gives it the
// service's default again. The error is CodeInvalid for a limit that is half
// zero or negative, and CodeNotFound for an unknown client.
func (s *Store) SetLimit(ctx context.Context, id string, limit domain.Limit) error {
	return s.Change(ctx, id, Change{Limit: &limit})
}

// List gives all clients, disabled ones too, sorted by id. Their Secrets are
// sorted by age, and have no Key.
func (s *Store) List(ctx context.Context) ([]domain.Client, error) {
	_, clients, err := load(ctx, s.read, func(domain.ClientID, *domain.Secret, string) string { return "" })
	if err != nil {
		return nil, fmt.Errorf("list the clients: %w", err)
	}
	list := make([]domain.Client, len(clients))
	for i, c := range clients {
		for j := range c.Secrets {
			c.Secrets[j].Key = ""
		}
		list[i] = *c
	}
	return list, nil
}

// change runs do in one transaction, while no other change of any process is
// under way, and raises the revision with it where do says that it changed
// something.
func (s *Store) change(ctx context.Context, do func(tx *sql.Tx) (bool, error)) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	changed := false
	if _, err = tx.ExecContext(ctx, takeTurn); err == nil {
		changed, err = do(tx)
	}
	if err == nil && changed {
		_, err = tx.ExecContext(ctx, raiseRevision)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (s *Store) addSecret(ctx context.Context, tx *sql.Tx, client domain.ClientID, secret PrivateID, now time.Time) error {
	if s.keys == nil {
		return s.noKeys
	}
	sealed, err := s.keys.seal(client, secret.id, secret.printed)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, insertSecret, secret.id, client, sealed, now.UnixMicro())
	return err
}

// owner says which client has the name; "" when nobody has.
func owner(ctx context.Context, tx *sql.Tx, name string) (domain.ClientID, error) {
	var client domain.ClientID
	err := tx.QueryRowContext(ctx, selectName, name).Scan(&client)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return client, err
}

// free refuses a name that somebody has, or a test client.
func free(ctx context.Context, tx *sql.Tx, name domain.ClientID) error {
	for _, t := range domain.TestClients() {
		if t.ID == name {
			return &domain.Error{Code: domain.CodeConflict, Field: "client_id", Message: fmt.Sprintf("the name %s is kept for a test client", name)}
		}
	}
	owner, err := owner(ctx, tx, string(name))
	if err == nil && owner != "" {
		err = taken(name, owner)
	}
	return err
}

func find(ctx context.Context, tx *sql.Tx, name string) (domain.ClientID, error) {
	client, err := owner(ctx, tx, name)
	if err == nil && client == "" {
		err = domain.NotFound("there is no client %.80q", name)
	}
	return client, err
}

// checkLimit refuses what is neither a limit nor none. What else the service
// bounds, whoever asks for the limit knows.
func checkLimit(limit domain.Limit) error {
	if !(limit.PerSecond > 0 && limit.Burst > 0) && limit != (domain.Limit{}) {
		return domain.Invalid("limit", "the limit of %g a second and %d at once is none; both have to be more than 0", limit.PerSecond, limit.Burst)
	}
	return nil
}

// newClient checks the names and the limit; they come back with the id first.
func newClient(p CreateParams) (domain.Client, []domain.ClientID, error) {
	var names []domain.ClientID
	for _, name := range append([]string{p.ID}, p.Aliases...) {
		id, err := domain.ParseClientID(name)
		if err != nil {
			return domain.Client{}, nil, err
		}
		for _, other := range names {
			if other == id {
				return domain.Client{}, nil, domain.Invalid("aliases", "the name %s is given twice", id)
			}
		}
		names = append(names, id)
	}
	if err := checkLimit(p.Limit); err != nil {
		return domain.Client{}, nil, err
	}
	client := domain.Client{
		ID: names[0], Aliases: names[1:], Collections: p.Collections, Limit: p.Limit,
		Types: p.Types, Languages: p.Languages, Origins: p.Origins, SiteVerify: p.SiteVerify,
	}
	if err := checkSettings(&client); err != nil {
		return domain.Client{}, nil, err
	}
	return client, names, nil
}

func taken(name, owner domain.ClientID) error {
	message := fmt.Sprintf("there is a client %s already", name)
	if name != owner {
		message = fmt.Sprintf("the name %s is taken: it is an alias of the client %s", name, owner)
	}
	return &domain.Error{Code: domain.CodeConflict, Field: "client_id", Message: message}
}

func affected(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// wrap says what was being done, except where the error says it better.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*domain.Error](err); ok {
		return e
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
