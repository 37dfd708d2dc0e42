package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"ocapi/place"
)

// sealSecrets seals what is not sealed with the first key yet, and says so.
func (n *node) sealSecrets(ctx context.Context) error {
	if n.stores.Keys == nil {
		return n.stores.NoKeys
	}
	if path := n.keyFile(); path != "" {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			n.logger.Warn("the file of the keys of private ids may be read by others than its owner", "file", path, "mode", fmt.Sprintf("%04o", info.Mode().Perm()))
		}
	}
	sealed, err := n.stores.Reseal(ctx)
	if sealed > 0 {
		n.logger.Info("private ids have been sealed in the database", "count", sealed, "key", n.stores.Keys.First())
	}
	return err
}

// KeyFile is the file that the keys are from; empty where they are from none.
func (n *node) keyFile() string {
	switch {
	case n.cfg.SecretsKeyFile != "":
		return n.cfg.SecretsKeyFile
	case n.cfg.SecretsKey == "" && !n.cfg.Shared():
		return filepath.Join(n.cfg.Data, place.KeyFile)
	}
	return ""
}
