package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Durability says what "acknowledged" promises.
type Durability uint8

// The durabilities. The zero value is the safe one.
const (
	// DurabilityFsync: every acknowledged event is on disk. The log gathers
	// concurrent appends, so that one flush serves many.
	DurabilityFsync Durability = iota
	// DurabilityInterval: events are flushed every [syncInterval]. A killed
	// process loses nothing; a power cut may lose what is younger.
	DurabilityInterval
)

// syncInterval is how often DurabilityInterval flushes.
const syncInterval = 100 * time.Millisecond

// String gives the setting's name.
func (d Durability) String() string {
	if d == DurabilityInterval {
		return "interval"
	}
	return "fsync"
}

// ParseDurability reads the setting's name.
func ParseDurability(s string) (Durability, error) {
	switch s {
	case "fsync":
		return DurabilityFsync, nil
	case "interval":
		return DurabilityInterval, nil
	}
	return 0, fmt.Errorf("durability %q is not known; it is fsync or interval", s)
}

// flushedByLog is the syncInterval of a server whose files the log flushes: for
// ever. The server would only flush again what is flushed, and rewrite blocks
// behind the log's back.
const flushedByLog = 10 * 365 * 24 * time.Hour

// The names of the embedded server. The second leaves flushing to the log.
const (
	embeddedServer  = "ocapi"
	unflushedServer = "ocapi-unflushed"
)

// EmbeddedConfig says how the embedded NATS server runs.
type EmbeddedConfig struct {
	Dir        string // where the stream's files are
	Durability Durability
	MaxBytes   int64 // what the stream may hold; see LogConfig
	Logger     *slog.Logger
}

// Embedded is a NATS server inside this process. It listens on no port; the
// only connection is the one in the process.
type Embedded struct {
	cfg    EmbeddedConfig
	server *server.Server
	conn   *nats.Conn
	stop   sync.Once
}

// embeddedReady bounds the start: reopening a stream of a million events after
// an unclean stop was measured at 2.4 s.
const embeddedReady = 2 * time.Minute

// StartEmbedded starts the server and connects to it. It returns when
// JetStream has reopened its files.
func StartEmbedded(cfg EmbeddedConfig) (*Embedded, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the log's folder: %w", err)
	}
	name, interval := embeddedServer, syncInterval
	if cfg.Durability == DurabilityFsync {
		name, interval = unflushedServer, flushedByLog
	}
	s, err := server.NewServer(&server.Options{
		ServerName:   name,
		DontListen:   true,
		NoSigs:       true,
		JetStream:    true,
		StoreDir:     cfg.Dir,
		SyncInterval: interval,
		// The stream reserves MaxBytes; the margin is for consumers' files.
		JetStreamMaxStore:      cfg.MaxBytes + 64<<20,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the embedded NATS server: %w", err)
	}
	s.SetLoggerV2(natsLogger{cfg.Logger}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(embeddedReady) {
		s.Shutdown()
		return nil, fmt.Errorf("the embedded NATS server was not ready after %v; its log says why", embeddedReady)
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, errors.New("the embedded NATS server runs without JetStream; its log says why")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s), nats.Name("ocapi"), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	return &Embedded{cfg: cfg, server: s, conn: conn}, nil
}

// OpenLog opens the log on this server, as the function of that name does, with
// the server's durability, whatever cfg says. With DurabilityFsync the log
// flushes the server's files itself, once for all events that were acknowledged
// meanwhile.
func (e *Embedded) OpenLog(ctx context.Context, cfg LogConfig, after Sequence) (*Log, error) {
	cfg.Durability = e.cfg.Durability
	if cfg.Durability != DurabilityFsync {
		return OpenLog(ctx, e.conn, cfg, after)
	}
	return openLog(ctx, e.conn, cfg, after, newDisk(e.cfg.Dir, cfg.Logger))
}

// Conn gives the connection, which lives as long as the server.
func (e *Embedded) Conn() *nats.Conn { return e.conn }

// Stop closes the connection and stops the server, whose files are then on
// disk. It may be called more than once and waits each time.
func (e *Embedded) Stop() {
	e.stop.Do(func() {
		e.conn.Close()
		e.server.Shutdown()
	})
	e.server.WaitForShutdown()
}

// natsLogger passes on what the server warns of. Its notices (connections
// among them) stay out: a log that names no connection names no address.
type natsLogger struct{ log *slog.Logger }

var _ server.Logger = natsLogger{}

func (l natsLogger) Noticef(string, ...any) {}
func (l natsLogger) Debugf(string, ...any)  {}
func (l natsLogger) Tracef(string, ...any)  {}

func (l natsLogger) Warnf(format string, v ...any) {
	l.log.Warn("nats-server", "message", fmt.Sprintf(format, v...))
}

func (l natsLogger) Errorf(format string, v ...any) {
	l.log.Error("nats-server", "message", fmt.Sprintf(format, v...))
}

func (l natsLogger) Fatalf(format string, v ...any) {
	l.log.Error("nats-server", "message", fmt.Sprintf(format, v...))
}
