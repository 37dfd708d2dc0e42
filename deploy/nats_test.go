package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// natsFile is read by the very release of the server that ocapi embeds and
// package cluster builds.
const natsFile = root + "/deploy/nats/nats.conf"

// TestNATSTakesItsFile reads nats.conf as each of the compose file's servers
// does. Not parallel: the file's variables are the process's environment.
func TestNATSTakesItsFile(t *testing.T) {
	project := mustLoad(t)
	for i := range 3 {
		name := fmt.Sprintf("nats%d", i+1)
		t.Run(name, func(t *testing.T) {
			for variable, value := range project.Services[name].Environment {
				t.Setenv(variable, *value)
			}
			o, err := server.ProcessConfigFile(natsFile)
			if err != nil {
				t.Fatal(err)
			}
			if o.ServerName != name || o.Port != 4222 || o.Cluster.Port != 6222 || o.Cluster.Name != "ocapi" {
				t.Errorf("it is server %q at %d and %d of cluster %q", o.ServerName, o.Port, o.Cluster.Port, o.Cluster.Name)
			}
			if !o.JetStream || !o.SyncAlways || o.StoreDir != "/data" {
				t.Errorf("what is acknowledged is not on disk: jetstream %v, sync always %v, in %q", o.JetStream, o.SyncAlways, o.StoreDir)
			}
			if o.JetStreamMaxStore < 3<<30 {
				t.Errorf("the streams may take %d bytes; ocapi reserves 2 GiB", o.JetStreamMaxStore)
			}
			if len(o.Routes) != 3 {
				t.Errorf("it knows %d servers", len(o.Routes))
			}
			for j, route := range o.Routes {
				if password, _ := route.User.Password(); route.Host != fmt.Sprintf("nats%d:6222", j+1) || password != o.Cluster.Password {
					t.Errorf("route %d leads to %s, with another password than the servers'", j, route.Host)
				}
			}
			// The passwords of these tests would be numbers without their quotes.
			if len(o.Users) != 1 || o.Users[0].Username != "ocapi" || !strings.HasPrefix(o.Users[0].Password, testPassword) || !strings.HasPrefix(o.Cluster.Password, testPassword) {
				t.Errorf("the users are %v, the servers' is %q", o.Users, o.Cluster.Username)
			}
			if o.Users[0].Password == o.Cluster.Password {
				t.Error("a node could pass for a server")
			}
			if o.HTTPHost != "127.0.0.1" || o.HTTPPort == 0 || o.HTTPSPort != 0 || o.ProfPort != 0 {
				t.Errorf("it shows itself at %s:%d", o.HTTPHost, o.HTTPPort)
			}
			if !o.Cluster.NoAdvertise {
				t.Error("nodes are told addresses that they may be unable to reach")
			}
			if o.Debug || o.Trace {
				t.Error("connections, with their addresses, are in the log")
			}
		})
	}
}

// TestNATSRefusesMissingVariables: a server without a password or a name must
// not start.
func TestNATSRefusesMissingVariables(t *testing.T) {
	env := mustLoad(t).Services["nats1"].Environment
	for missing := range env {
		t.Run(missing, func(t *testing.T) {
			for variable, value := range env {
				if variable != missing {
					t.Setenv(variable, *value)
				}
			}
			if _, err := server.ProcessConfigFile(natsFile); err == nil || !strings.Contains(err.Error(), missing) {
				t.Errorf("without it: %v", err)
			}
		})
	}
}
