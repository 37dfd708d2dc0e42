package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// minServerMajor and minServerMinor are the oldest nats-server that is
	// known to keep an atomic batch whole when a cluster's leader dies.
	minServerMajor, minServerMinor = 2, 15

	// clusterReady bounds the start: the servers of a cluster that comes up
	// together elect their leaders within seconds.
	clusterReady = 30 * time.Second
	clusterRetry = 250 * time.Millisecond

	// A connection that is cut without a word is given up after two unanswered
	// pings; until then what is under way is unknown.
	clusterPing     = 2 * time.Second
	clusterPingsOut = 2
	clusterDial     = 2 * time.Second
	clusterWrite    = 5 * time.Second

	// pubOverhead is room beside an event for its subject and headers.
	pubOverhead = 4 << 10
)

// ClusterConfig says how to reach an external NATS cluster.
type ClusterConfig struct {
	URL    string // one or more addresses, separated by commas; they may hold a user and a password
	Creds  string // a file with credentials; empty: none
	CA     string // a file with the certificates to trust; empty: the system's
	Logger *slog.Logger
}

// ConnectCluster connects to a NATS cluster and looks whether it can hold the
// log; it returns when JetStream answers. A server that is too old or runs
// without JetStream is refused at once, one that cannot be reached after half
// a minute. The connection finds other servers of the cluster by itself and
// comes back for ever; while there is none, appends fail at once.
func ConnectCluster(ctx context.Context, cfg ClusterConfig) (*nats.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, clusterReady)
	defer cancel()
	conn, err := dialCluster(ctx, cfg)
	if err != nil {
		return nil, err
	}
	server := conn.ConnectedServerName() // a closed connection knows none
	if err := checkServer(ctx, conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("use the NATS server %s: %w", server, err)
	}
	return conn, nil
}

func dialCluster(ctx context.Context, cfg ClusterConfig) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("ocapi"), nats.Timeout(clusterDial), nats.FlusherTimeout(clusterWrite),
		nats.PingInterval(clusterPing), nats.MaxPingsOutstanding(clusterPingsOut),
		nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		// What could not be sent must not be sent later: its caller was told.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				cfg.Logger.Warn("the connection to NATS is lost; another is sought", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			cfg.Logger.Info("connected to NATS again", "server", c.ConnectedServerName())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			cfg.Logger.Warn("NATS reports an error", "error", err)
		}),
	}
	if cfg.Creds != "" {
		options = append(options, nats.UserCredentials(cfg.Creds))
	}
	if cfg.CA != "" {
		options = append(options, nats.RootCAs(cfg.CA))
	}
	for {
		conn, err := nats.Connect(cfg.URL, options...)
		switch {
		case err == nil:
			return conn, nil
		case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
			return nil, fmt.Errorf("connect to NATS: the server refuses the user or password: %w", err)
		case ctx.Err() != nil || !pause(ctx, clusterRetry):
			return nil, fmt.Errorf("connect to NATS: no server could be reached in %v: %w", clusterReady, err)
		}
	}
}

// checkServer refuses a server that cannot hold the log, with the reason.
func checkServer(ctx context.Context, conn *nats.Conn) error {
	if err := checkVersion(conn.ConnectedServerVersion()); err != nil {
		return err
	}
	if limit := conn.MaxPayload(); limit < MaxEventBytes+pubOverhead {
		return fmt.Errorf("its max_payload is %d bytes; events need %d", limit, MaxEventBytes+pubOverhead)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	return untilAnswered(ctx, func(ctx context.Context) error {
		_, err := js.AccountInfo(ctx)
		switch {
		case errors.Is(err, jetstream.ErrJetStreamNotEnabled):
			return final{errors.New("JetStream is not enabled; its configuration needs a section jetstream with a store_dir")}
		case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
			return final{errors.New("JetStream is not enabled for this account")}
		}
		return err
	})
}

func checkVersion(version string) error {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return fmt.Errorf("its version %q cannot be read", version)
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	if err := errors.Join(errMajor, errMinor); err != nil {
		return fmt.Errorf("its version %q cannot be read: %w", version, err)
	}
	if major < minServerMajor || major == minServerMajor && minor < minServerMinor {
		return fmt.Errorf("its version is %s; Ocapi needs nats-server %d.%d or later", version, minServerMajor, minServerMinor)
	}
	return nil
}

// final is an error that another try does not change.
type final struct{ error }

// Unwrap gives the error itself.
func (f final) Unwrap() error { return f.error }

// untilAnswered asks again while a cluster has no leader to answer, until ctx
// ends.
func untilAnswered(ctx context.Context, ask func(ctx context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(ctx, clusterDial)
		err := ask(try)
		cancel()
		if err == nil {
			return nil
		}
		if f, ok := errors.AsType[final](err); ok {
			return f.error
		}
		if !pause(ctx, clusterRetry) {
			return err
		}
	}
}

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
