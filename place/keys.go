package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"ocapi/clients"
)

// KeyFile is where a data folder's keys are when nobody says otherwise.
const KeyFile = "secrets.key"

// KeyFlags say which keys private ids are sealed with in the database.
type KeyFlags struct {
	SecretsKeyFile string `name:"secrets-key-file" help:"The file of the keys that private ids are sealed with in the database. Default: secrets.key in the data folder, made at the first start; needed with --database-url." env:"OCAPI_SECRETS_KEY_FILE" type:"path"`
	SecretsKey     string `name:"secrets-key" help:"The keys themselves, instead of a file. They are secret: use the variable." env:"OCAPI_SECRETS_KEY"`
}

// Given reports whether keys are named.
func (f KeyFlags) Given() bool { return f.SecretsKeyFile != "" || f.SecretsKey != "" }

// Validate refuses two sources of one thing.
func (f KeyFlags) Validate() error {
	if f.SecretsKeyFile != "" && f.SecretsKey != "" {
		return errors.New("--secrets-key-file and --secrets-key (or their variables) are both given; say one")
	}
	return nil
}

// read gives the keys that are named.
func (f KeyFlags) read() (*clients.Keyring, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if f.SecretsKey != "" {
		k, err := clients.ParseKeyring(f.SecretsKey)
		if err != nil {
			return nil, fmt.Errorf("--secrets-key: %w", err)
		}
		return k, nil
	}
	k, err := clients.ReadKeyring(f.SecretsKeyFile, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--secrets-key-file: %w; a new one is made by: ocapi client key new --file %s", err, f.SecretsKeyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("--secrets-key-file: %w", err)
	}
	return k, nil
}

// folderKeys gives the keys of a data folder: those that are named, else those of
// its own file. That is made where there is none and nothing was sealed yet. The
// error is why there are none, which concerns only who needs them.
func folderKeys(ctx context.Context, dir string, flags KeyFlags, store *clients.Store) (*clients.Keyring, error) {
	if flags.Given() {
		return flags.read()
	}
	path := filepath.Join(dir, KeyFile)
	k, err := clients.ReadKeyring(path, nil)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	sealed, err := store.Sealed(ctx)
	switch {
	case err != nil:
		return nil, err
	case sealed > 0:
		return nil, fmt.Errorf("the keys of private ids are missing: there is no %s, and %s in the database can be opened by no other. Put your copy of it there, or name it with --secrets-key-file. "+
			"If it is lost, make a new one (ocapi client key new --file %s), and then every client a new private id (ocapi client rotate ID --overlap 0s)", path, countOf(sealed), path)
	}
	if _, err := clients.AddKey(path, true); err != nil {
		return nil, err
	}
	return clients.ReadKeyring(path, nil)
}

// countOf names a number of private ids.
func countOf(n int) string {
	if n == 1 {
		return "1 private id"
	}
	return fmt.Sprintf("%d private ids", n)
}

// Reseal is [clients.Store.Reseal]; in a folder, what was readable is gone from the
// database's companion file as well when it returns.
func (s *Stores) Reseal(ctx context.Context) (int, error) {
	n, err := s.Clients.Reseal(ctx)
	if err != nil || n == 0 {
		return n, err
	}
	for _, file := range s.Files {
		if filepath.Base(file.Path()) != CollectionsFile {
			continue
		}
		if _, err := file.Write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			return n, fmt.Errorf("fold the write-ahead log of %s: %w", file.Path(), err)
		}
	}
	return n, nil
}
