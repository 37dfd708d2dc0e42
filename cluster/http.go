//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// readyAnswer bounds one question whether a part is ready.
const readyAnswer = 3 * time.Second

// answers asks for a page that has to be there, on a connection of its own.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyAnswer)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, tailBytes))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s says %s: %.300s", url, resp.Status, body)
	}
	return nil
}
