package clients

import (
	"context"
	"crypto/rand"
	"fmt"
)

// serviceKeyBytes is the block of SHA-256: a longer key adds nothing.
const serviceKeyBytes = 64

const (
	// Of two nodes that make a key at once, one does, and both read it.
	insertServiceKey = `INSERT INTO service_keys (name, key, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`

	selectServiceKey = `SELECT key FROM service_keys WHERE name = $1`
)

// ServiceKey gives the secret key of a name that all nodes share: 64 random
// bytes, made by the first call of all. It never changes, and is for no log.
func (s *Store) ServiceKey(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, serviceKeyBytes)
	_, _ = rand.Read(fresh) // documented never to fail: it ends the program instead
	if _, err := s.write.ExecContext(ctx, insertServiceKey, name, fresh, s.now().UnixMicro()); err != nil {
		return nil, fmt.Errorf("make the service's key %q: %w", name, err)
	}
	var key []byte
	if err := s.write.QueryRowContext(ctx, selectServiceKey, name).Scan(&key); err != nil {
		return nil, fmt.Errorf("read the service's key %q: %w", name, err)
	}
	return key, nil
}
