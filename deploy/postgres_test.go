package deploy_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"ocapi/postgres/postgrestest"
)

// psqlProgram finds the client that comes with every server.
func psqlProgram(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath("psql")
	if err != nil {
		t.Fatal("this test needs psql; make test-deps installs it with PostgreSQL, or: apt-get install --no-install-recommends postgresql")
	}
	return path
}

// initialise runs init.sql as the image's entrypoint does.
func initialise(t *testing.T, server string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(psqlProgram(t), "-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", "--dbname", server, "--file", filepath.Join(root, "deploy/postgres/init.sql"))
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// as gives the URL of a role's connection to a database of the server.
func as(t *testing.T, server, role, database string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.User, u.Path = url.User(role), "/"+database
	return u.String()
}

func execute(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// TestDatabaseGivesNodesNoMoreThanTheyNeed sets a real server up and tries what
// each role may and may not do. (What the nodes' role may do to tables is
// granted with them, and tested there.)
func TestDatabaseGivesNodesNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server := postgrestest.Start(t, postgrestest.Options{}).URL()
	good := []string{"OCAPI_OWNER_PASSWORD=owner's secret; 12", "OCAPI_APP_PASSWORD=app's \\secret 12"}

	for _, env := range [][]string{nil, {good[0]}, {good[1]}, {good[0], "OCAPI_APP_PASSWORD="}, {"OCAPI_OWNER_PASSWORD=short", good[1]}} {
		if out, err := initialise(t, server, env...); err == nil || !strings.Contains(out, "at least 12 characters") {
			t.Errorf("with %q: %v\n%s", env, err, out)
		}
	}
	if out, err := initialise(t, server, good...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := initialise(t, server, good...); err == nil {
		t.Errorf("a second run says nothing:\n%s", out)
	}

	owner, app := as(t, server, "ocapi_owner", "ocapi"), as(t, server, "ocapi_app", "ocapi")
	if err := execute(ctx, server, "CREATE ROLE stranger LOGIN"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, url, statement string
		refused              string // the code of the refusal; "": it is allowed
	}{
		{"the owner makes a table", owner, "CREATE TABLE events (id bigint)", ""},
		{"where the nodes find it", owner, "SELECT * FROM ocapi.events", ""},
		{"nodes see nothing that was not granted", app, "SELECT * FROM events", "42501"},
		{"nodes make no table", app, "CREATE TABLE mine (id bigint)", "42501"},
		{"there is no schema for everybody", app, "CREATE TABLE public.mine (id bigint)", "3F000"},
		{"nodes make no schema", app, "CREATE SCHEMA mine", "42501"},
		{"nodes make no temporary table", app, "CREATE TEMP TABLE mine (id bigint)", "42501"},
		{"nodes take no table away", app, "DROP TABLE events", "42501"},
		{"nodes grant themselves nothing", app, "GRANT ALL ON events TO ocapi_app", "42501"},
		{"nodes become nobody else", app, "SET ROLE ocapi_owner", "42501"},
		{"nodes make no role", app, "CREATE ROLE mine", "42501"},
		{"nodes read no file", app, "SELECT pg_read_file('PG_VERSION')", "42501"},
		{"the owner is no superuser", owner, "ALTER SYSTEM SET fsync = off", "42501"},
		{"strangers stay outside", as(t, server, "stranger", "ocapi"), "SELECT 1", "42501"},
	} {
		err := execute(ctx, tt.url, tt.statement)
		switch {
		case tt.refused == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.refused != "" && (err == nil || !strings.Contains(err.Error(), "SQLSTATE "+tt.refused)):
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	conn, err := pgx.Connect(ctx, app)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var schema, encoding string
	if err := conn.QueryRow(ctx, "SELECT current_schema, current_setting('server_encoding')").Scan(&schema, &encoding); err != nil {
		t.Fatal(err)
	}
	if schema != "ocapi" || encoding != "UTF8" {
		t.Errorf("nodes work in the schema %q, encoded in %s", schema, encoding)
	}
}
