package program

import (
	"fmt"
	"net/http"
	"time"

	"ocapi/command"
)

type healthCmd struct {
	URL     string        `help:"What to ask." default:"http://127.0.0.1:8080/readyz" env:"OCAPI_HEALTH_URL"`
	Timeout time.Duration `help:"How long to wait for the answer." default:"3s"`
}

// Run fails unless the service says that it is ready. An image without a shell
// has nothing else to ask with.
func (c *healthCmd) Run(env *command.Environment) error {
	client := &http.Client{Timeout: c.Timeout}
	req, err := http.NewRequestWithContext(env.Context, http.MethodGet, c.URL, nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", c.URL, resp.Status)
	}
	_, err = fmt.Fprintln(env.Stdout, "ready")
	return err
}
