package signin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// maxStateBytes bounds what is read of an answer that takes less than 30 bytes.
const maxStateBytes = 4 << 10

// solved asks Ocapi whether the challenge was solved. An error means that this could not be found
// out, which is not the same as no.
func (s *site) solved(ctx context.Context, challengeID string) (bool, error) {
	if challengeID == "" {
		return false, nil // a form sent before the script had loaded, or without it
	}
	secret, err := s.cfg.Secret()
	if err != nil {
		return false, fmt.Errorf("find the private id: %w", err)
	}
	// The token says who asks. Its key is the private id as it is printed.
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{
		"client_id": s.cfg.ClientID,
	}).SignedString([]byte(secret))
	if err != nil {
		return false, fmt.Errorf("sign token: %w", err)
	}

	address := strings.TrimRight(s.cfg.ServerBaseURL, "/") +
		"/state/" + url.PathEscape(s.cfg.ClientID) + "/" + url.PathEscape(challengeID)
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, fmt.Errorf("ask for state: %w", err)
	}
	req.Header.Set("Authorization", token)
	resp, err := s.cfg.HTTPClient.Do(req)
	if err != nil {
		return false, fmt.Errorf("ask for state: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()

	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return false, nil // not a challenge of ours
	default:
		return false, fmt.Errorf("ask for state: ocapi answered %s", resp.Status)
	}
	var answer struct {
		State string `json:"state"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxStateBytes)).Decode(&answer); err != nil {
		return false, fmt.Errorf("read state: %w", err)
	}
	return answer.State == "validated", nil
}
