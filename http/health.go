package http

import (
	"net/http"

	"ocapi/domain"
)

// healthz says that the process runs.
func (a *api) healthz(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`))
	return nil
}

// readyz says whether challenges can be served. Why not is for operators: see
// their own listener.
func (a *api) readyz(w http.ResponseWriter, _ *http.Request) error {
	if a.ready() != nil {
		return domain.Unavailable("the service is not ready", nil)
	}
	writeJSON(w, http.StatusOK, []byte(`{"status":"ready"}`))
	return nil
}
