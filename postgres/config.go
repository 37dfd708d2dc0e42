package postgres

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// connectTimeout is for each of the hosts, unless the URL has a
// connect_timeout: a host that is there answers in milliseconds.
const connectTimeout = 5 * time.Second

// defaults are settings of every session that the URL may replace. Times are
// in milliseconds or carry their unit.
var defaults = map[string]string{
	"application_name": "ocapi",

	// The server ends what nobody waits for any more. The longest statements are
	// the removal of a collection and a rebuild's scan, which sets its own limit.
	"statement_timeout": "5min",
	// As long as a command beside a server waits on SQLite, and once more:
	// whoever waits longer should be told.
	"lock_timeout": "10s",
	// Nothing that Ocapi computes within a transaction takes a second. A process
	// that was stopped in the middle of one would hold its locks.
	"idle_in_transaction_session_timeout": "30s",

	// A node whose network was cut is noticed after 25 s, and what it held is
	// freed. On a socket of the same machine the server ignores these.
	"tcp_keepalives_idle":     "10",
	"tcp_keepalives_interval": "5",
	"tcp_keepalives_count":    "3",
	"tcp_user_timeout":        "25000",
}

// fixed are settings of every session without which Ocapi would not do what it
// promises, whatever the role, the database or the URL says.
var fixed = map[string]string{
	"client_encoding":               "UTF8",
	"timezone":                      "UTC", // the archive's months are UTC's
	"default_transaction_isolation": "read committed",
	"default_transaction_read_only": "off",
}

// planning is for the sessions of the pool, which keep their plans. One that is
// made while a table is empty would read the whole of it as it fills, until the
// server counts its rows anew; there is an index for all that is asked of a
// large table. Where there is no index, the cost that forbids such a plan would
// have it compiled.
var planning = map[string]string{
	"enable_seqscan": "off",
	"jit":            "off",
}

const form = "it has to be of the form postgres://user:password@host:5432/database, with special characters of the password written as %xx"

// parse reads a database URL. Its errors say what is wrong with it and never
// repeat it: it holds a password.
func parse(text string) (*pgx.ConnConfig, error) {
	// The cause is left out: where a password has a '/' or a '#' in it, the
	// parser takes it for something else and quotes it.
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" {
		return nil, fmt.Errorf("read the database URL: %s", form)
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", withoutPassword(err, u))
	}
	for name := range config.RuntimeParams {
		if strings.HasPrefix(name, "pool_") {
			return nil, fmt.Errorf("read the database URL: the parameter %s is not for Ocapi, whose pools are bounded", name)
		}
	}
	for name, value := range defaults {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	for name, value := range fixed {
		config.RuntimeParams[name] = value
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.DialFunc = dialer().DialContext
	// Another check that the URL asks for (target_session_attrs) makes ours no
	// less necessary, and ours asks for a primary.
	config.ValidateConnect = fit
	return config, nil
}

// withoutPassword gives what the driver's parser found wrong. It writes the URL
// into its errors, and takes the password out as well as it can: here what is
// left of both goes.
func withoutPassword(err error, u *url.URL) error {
	message := err.Error()
	if _, reason, ok := strings.Cut(message, "`: "); ok {
		message = reason
	}
	secrets := []string{u.Query().Get("password"), u.Query().Get("sslpassword")}
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password, url.QueryEscape(password), url.PathEscape(password))
	}
	for _, secret := range secrets {
		if secret != "" {
			message = strings.ReplaceAll(message, secret, "xxxxx")
		}
	}
	return errors.New(message)
}

// address names the hosts and the database, for people.
func address(config *pgx.ConnConfig) string {
	hosts := []string{hostPort(config.Host, config.Port)}
	for _, f := range config.Fallbacks {
		// A host is there twice when it is tried with and without TLS.
		if h := hostPort(f.Host, f.Port); h != hosts[len(hosts)-1] {
			hosts = append(hosts, h)
		}
	}
	return strings.Join(hosts, ",") + "/" + config.Database
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
