package domain_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"ocapi/domain"
)

// TestSecretHidesItsKey prints a client in every way that people print things.
func TestSecretHidesItsKey(t *testing.T) {
	t.Parallel()
	c := domain.Client{ID: "site", Secrets: []domain.Secret{{ID: "abc", Key: "hunter2"}}}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "secret", c.Secrets[0], "client", c)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "secret", c.Secrets[0], "client", c)
	for name, printed := range map[string]string{
		"%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c), "%s": fmt.Sprintf("%s", c.Secrets[0]),
		"%q": fmt.Sprintf("%q", c.Secrets[0]), "pointer": fmt.Sprintf("%+v", &c), "json": string(asJSON), "slog": log.String(),
	} {
		if strings.Contains(printed, "hunter2") {
			t.Errorf("%s shows the key: %s", name, printed)
		}
		if name != "pointer" && !strings.Contains(printed, "abc") {
			t.Errorf("%s does not name the secret: %s", name, printed)
		}
	}
}
