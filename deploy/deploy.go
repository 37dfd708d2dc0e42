// Package deploy holds the configuration files of a cluster. The compose file
// mounts them and package cluster starts its servers with them, so that what is
// shipped is what is tested.
package deploy

import (
	_ "embed" // for the files below
	"strings"
)

// The files, as they are.
var (
	// NATS configures each of the three NATS servers.
	//go:embed nats/nats.conf
	NATS string
	// HAProxy configures the load balancer.
	//go:embed haproxy/haproxy.cfg
	HAProxy string
	// PostgresInit makes roles, database and schema; it is for psql.
	//go:embed postgres/init.sql
	PostgresInit string
	// Alerts are Prometheus' rules.
	//go:embed prometheus/alerts.yml
	Alerts string
	// Board is Grafana's.
	//go:embed grafana/ocapi.json
	Board string
)

// Resolve writes what Grafana would put for the board's variables into one of its
// queries: the service, the nodes (an expression), and one minute for rates.
func Resolve(query, job, instance string) string {
	return strings.NewReplacer("$__rate_interval", "1m", "$job", job, "$instance", instance).Replace(query)
}
