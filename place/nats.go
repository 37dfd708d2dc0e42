package place

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ocapi/domain"
	"ocapi/eventstore"
)

// AckTimeout is how long the event log is waited for: below what a browser waits
// and above a disk's stall.
const AckTimeout = 5 * time.Second

// NATSFlags say how to reach the event log of a cluster.
type NATSFlags struct {
	NATSURL   string `name:"nats-url" help:"The NATS cluster that holds the event log: addresses, separated by commas. It goes with --database-url." env:"OCAPI_NATS_URL"`
	NATSCreds string `name:"nats-creds" help:"A file with credentials for NATS." env:"OCAPI_NATS_CREDS" type:"path"`
	NATSCA    string `name:"nats-ca" help:"A file with the certificates to trust in connections to NATS." env:"OCAPI_NATS_CA" type:"path"`
}

// Together refuses half a cluster: the log and the archive are both embedded
// or both shared.
func Together(p Flags, n NATSFlags) error {
	if (n.NATSURL == "") != (p.DatabaseURL == "") {
		return errors.New("--nats-url and --database-url go together: a node is embedded with its data folder, or has both its log and its archive in the cluster")
	}
	return nil
}

// Cluster gives how to connect to it; what the connection has to say is logged.
func (n NATSFlags) Cluster(logger *slog.Logger) eventstore.ClusterConfig {
	return eventstore.ClusterConfig{URL: n.NATSURL, Creds: n.NATSCreds, CA: n.NATSCA, Logger: logger}
}

// AppendAfterLast appends an event after whatever the log holds of its subject:
// nothing, where what came before has been trimmed. Of two who do so at once, one
// gets CodeConflict.
func AppendAfterLast(ctx context.Context, log *eventstore.Log, e domain.Event) error {
	last, _, err := log.LastLike(ctx, e)
	if err != nil {
		return err
	}
	_, err = log.Append(ctx, e, last.Seq)
	return err
}
