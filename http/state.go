package http

import (
	"fmt"
	"net/http"
)

// state tells a partner how a challenge ended. The order of the checks is part
// of the contract: client, token, challenge.
func (a *api) state(w http.ResponseWriter, r *http.Request) error {
	client, _, err := a.client(r)
	if err != nil {
		return err
	}
	if err := a.tokens.check(client, r.Header["Authorization"], a.now()); err != nil {
		return err
	}
	id, err := challengeID(r)
	if err != nil {
		return err
	}
	status, err := a.challenges.Status(r.Context(), client, id)
	if err != nil {
		return err
	}
	body, ok := stateBody(status)
	if !ok {
		return fmt.Errorf("the status of a challenge is %d", status)
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}
