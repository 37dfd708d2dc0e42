package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = ".." // of the repository

// requiredVariables have no default: a password must be nobody's but yours.
var requiredVariables = []string{
	"OCAPI_POSTGRES_PASSWORD", "OCAPI_OWNER_PASSWORD", "OCAPI_APP_PASSWORD", "OCAPI_NATS_PASSWORD", "OCAPI_NATS_CLUSTER_PASSWORD", "OCAPI_SECRETS_KEY",
}

// passwords are an environment that compose accepts, each value different. All
// could be taken for numbers.
func passwords() []string {
	var env []string
	for i, name := range requiredVariables {
		env = append(env, fmt.Sprintf("%s=%s%d", name, testPassword, i))
	}
	return env
}

const testPassword = "12345678901234567"

// load reads the compose file with the library that docker compose is made of.
func load(env []string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithWorkingDirectory(root), cli.WithEnv(env), cli.WithProfiles([]string{"*"}), cli.WithInterpolation(true))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

func mustLoad(t *testing.T) *types.Project {
	t.Helper()
	project, err := load(passwords())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeHasTheWholeTopology(t *testing.T) {
	t.Parallel()
	project := mustLoad(t)
	got := slices.Sorted(maps.Keys(project.Services))
	want := []string{"balancer", "grafana", "migrate", "nats1", "nats2", "nats3", "node1", "node2", "ocapi", "postgres", "prometheus", "volumes"}
	if !slices.Equal(got, want) {
		t.Errorf("the services are %v, not %v", got, want)
	}
}

// TestComposeRefusesMissingPasswords leaves out one at a time, then fills none
// of those in that the example leaves open.
func TestComposeRefusesMissingPasswords(t *testing.T) {
	t.Parallel()
	for _, name := range requiredVariables {
		env := slices.DeleteFunc(passwords(), func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
		if _, err := load(env); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	example := readEnv(t, ".env.example")
	if _, err := load(example); err == nil || !strings.Contains(err.Error(), "deploy/prepare") {
		t.Errorf("with .env.example as it is: %v", err)
	}
}

// readEnv gives the lines NAME=value of a file in the repository's root.
func readEnv(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			env = append(env, line)
		}
	}
	return env
}

// TestExampleNamesEveryVariable compares .env.example with what the compose
// file asks for.
func TestExampleNamesEveryVariable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{(\w+)`).FindAllStringSubmatch(string(text), -1) {
		asked[m[1]] = true
	}
	delete(asked, "OCAPI_VERSION") // of the build, not of the machine
	var named []string
	for _, kv := range readEnv(t, ".env.example") {
		name, _, _ := strings.Cut(kv, "=")
		named = append(named, name)
	}
	slices.Sort(named)
	if want := slices.Sorted(maps.Keys(asked)); !slices.Equal(named, want) {
		t.Errorf(".env.example names %v; the compose file asks for %v", named, want)
	}
}

// TestEveryServiceIsConfined holds each service to what the file promises.
func TestEveryServiceIsConfined(t *testing.T) {
	t.Parallel()
	for name, s := range mustLoad(t).Services {
		oneShot := s.Restart == "no"
		if !s.ReadOnly {
			t.Errorf("%s can write to its root file system", name)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || !slices.Contains(s.CapDrop, "ALL") {
			t.Errorf("%s can gain rights: %v, %v", name, s.SecurityOpt, s.CapDrop)
		}
		if s.Privileged || s.NetworkMode == "host" || s.Pid != "" || s.Ipc != "" {
			t.Errorf("%s reaches out of its container", name)
		}
		// The nodes' image has a user of its own: see TestImageIsNotRoots. One
		// service hands volumes over, has no network and ends.
		switch user := s.User; {
		case name == "volumes":
			if s.NetworkMode != "none" || !oneShot || !slices.Equal(s.CapAdd, []string{"CHOWN"}) {
				t.Errorf("the service that runs as root does more than hand over volumes")
			}
		case len(s.CapAdd) > 0:
			t.Errorf("%s has the rights %v", name, s.CapAdd)
		case s.Build != nil && user == "":
		case user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root"):
			t.Errorf("%s runs as %q", name, user)
		}
		if s.HealthCheck == nil || s.HealthCheck.Disable != oneShot {
			t.Errorf("%s: a service that stays has a health check, one that ends has none", name)
		}
		if _, tag, _ := strings.Cut(s.Image, ":"); tag == "" || tag == "latest" || s.Build == nil && !regexp.MustCompile(`^v?\d+\.\d+\.\d+|^\d+\.\d+`).MatchString(tag) {
			t.Errorf("%s: the image %s is not pinned", name, s.Image)
		}
		monitors := slices.Contains(s.Profiles, "monitoring")
		if (len(s.Ports) > 0) != (name == "balancer" || monitors) {
			t.Errorf("%s publishes %v; the balancer and the monitors alone publish a port", name, s.Ports)
		}
		for _, port := range s.Ports {
			if monitors && port.HostIP != "127.0.0.1" {
				t.Errorf("%s is open to the network: %v", name, port)
			}
		}
		if s.Logging == nil || s.Logging.Options["max-size"] == "" {
			t.Errorf("the log of %s has no end", name)
		}
	}
}

// TestNetworksKeepStoresApart: the balancer reaches nodes only, and what holds
// data reaches nothing outside.
func TestNetworksKeepStoresApart(t *testing.T) {
	t.Parallel()
	project := mustLoad(t)
	if !project.Networks["stores"].Internal {
		t.Error("the network of the stores leads outside")
	}
	want := map[string][]string{
		"balancer": {"public"}, "node1": {"monitoring", "public", "stores"}, "node2": {"monitoring", "public", "stores"}, "ocapi": {"monitoring", "public", "stores"},
		"prometheus": {"monitoring"}, "grafana": {"monitoring"},
		"migrate": {"stores"}, "postgres": {"stores"}, "nats1": {"stores"}, "nats2": {"stores"}, "nats3": {"stores"}, "volumes": nil,
	}
	for name, s := range project.Services {
		if got := slices.Sorted(maps.Keys(s.Networks)); !slices.Equal(got, want[name]) {
			t.Errorf("%s is in %v, not %v", name, got, want[name])
		}
	}
}

// TestNodesAreEqual: but for their names, and with the least rights.
func TestNodesAreEqual(t *testing.T) {
	t.Parallel()
	project := mustLoad(t)
	one, two := project.Services["node1"], project.Services["node2"]
	if !maps.EqualFunc(one.Environment, two.Environment, func(a, b *string) bool { return *a == *b }) {
		t.Error("the nodes have different settings")
	}
	if url := *one.Environment["OCAPI_DATABASE_URL"]; !strings.Contains(url, "//ocapi_app:") {
		t.Error("the nodes do not use the role that cannot change events")
	}
	if url := *project.Services["migrate"].Environment["OCAPI_DATABASE_URL"]; !strings.Contains(url, "//ocapi_owner:") {
		t.Error("migrations are not run by the tables' owner")
	}
	if urls := strings.Split(*one.Environment["OCAPI_NATS_URL"], ","); len(urls) != 3 {
		t.Errorf("the nodes know %d NATS servers", len(urls))
	}
	for _, store := range []string{"postgres", "nats1", "nats2", "nats3"} {
		if one.DependsOn[store].Condition != types.ServiceConditionHealthy {
			t.Errorf("the nodes do not wait for %s", store)
		}
	}
	if one.DependsOn["migrate"].Condition != types.ServiceConditionCompletedSuccessfully {
		t.Error("the nodes do not wait for the migration")
	}
	delay, err := time.ParseDuration(*one.Environment["OCAPI_DRAIN_DELAY"])
	if err != nil || delay < drainAtLeast {
		t.Errorf("the drain delay is %v (%v); the balancer needs more than %v to notice", delay, err, drainAtLeast)
	}
	if grace := time.Duration(*one.StopGracePeriod); grace < delay+20*time.Second {
		t.Errorf("the nodes are killed after %v, before they can have stopped", grace)
	}
}

// TestEveryVariableIsASetting: the program warns of a misspelt setting, and
// nobody reads it.
func TestEveryVariableIsASetting(t *testing.T) {
	t.Parallel()
	settings := map[string]bool{}
	var sources []string
	for _, pattern := range []string{"node/*.go", "place/*.go", "cmd/ocapi/*/*.go"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no source of the program in %s: %v", pattern, err)
		}
		sources = append(sources, found...)
	}
	tag := regexp.MustCompile(`\benv:"(OCAPI_\w+)"`)
	for _, file := range sources {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range tag.FindAllSubmatch(text, -1) {
			settings[string(m[1])] = true
		}
	}
	project := mustLoad(t)
	for _, name := range []string{"node1", "node2", "migrate", "ocapi"} {
		if len(project.Services[name].Environment) == 0 {
			t.Errorf("%s has no settings: the test does not see what it judges", name)
		}
		for variable := range project.Services[name].Environment {
			if !settings[variable] {
				t.Errorf("%s: %s is no setting of ocapi", name, variable)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^ENV (\w+)=`).FindAllStringSubmatch(dockerfile(t), -1) {
		if !settings[m[1]] {
			t.Errorf("Dockerfile: %s is no setting of ocapi", m[1])
		}
	}
}

// TestMountedFilesExist looks for every file that is mounted from the
// repository; the certificate is each operator's own.
func TestMountedFilesExist(t *testing.T) {
	t.Parallel()
	for name, s := range mustLoad(t).Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind || strings.HasSuffix(v.Source, "/deploy/tls/ocapi.pem") || strings.HasSuffix(v.Source, "/collections") {
				continue
			}
			if info, err := os.Stat(v.Source); err != nil || info.IsDir() {
				t.Errorf("%s mounts %s, which is no file: %v", name, v.Source, err)
			}
			if !v.ReadOnly {
				t.Errorf("%s may write to %s", name, v.Source)
			}
		}
	}
}
