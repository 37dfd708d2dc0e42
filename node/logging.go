package node

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// newLogger makes the service's log: one line a message, as text for people or as
// JSON for programs. Both have time, level and msg, and attributes by the names
// that docs/operating.md lists. In JSON a duration is a number of seconds.
func newLogger(to io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	if format != "json" {
		return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: least})), nil
	}
	return slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: least, ReplaceAttr: plainJSON})), nil
}

// plainJSON writes a duration in seconds; slog would write nanoseconds.
func plainJSON(_ []string, a slog.Attr) slog.Attr {
	if d, ok := a.Value.Any().(time.Duration); ok {
		return slog.Float64(a.Key, d.Seconds())
	}
	return a
}
