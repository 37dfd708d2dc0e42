// Command form is a form handler that is protected by Ocapi. It takes the address to listen on.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	verify "ocapi/examples/verify/go"
)

// handler takes the form. Let it be the first thing that a form meets, before its fields are looked at.
func handler(ocapi *verify.Verifier, usedFolder string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		result := ocapi.Verify(r.Context(), r.FormValue("ocapi-challenge-id"))
		if result.Reason != "" {
			slog.Error("ocapi", "outcome", result.Outcome, "challenge", result.ChallengeID, "reason", result.Reason)
		}
		var used error
		if result.Outcome == verify.Validated {
			used = use(usedFolder, result.ChallengeID)
		}
		switch {
		case errors.Is(used, fs.ErrExist):
			http.Error(w, "This challenge has been used already.", http.StatusForbidden)
		case result.Passes && used == nil:
			_, _ = fmt.Fprintln(w, "Thank you.") // here the message is stored
		case result.Outcome == verify.Validated, result.Outcome == verify.Unavailable, result.Outcome == verify.Misconfigured:
			http.Error(w, "The challenge could not be checked. Please try again in a moment.", http.StatusServiceUnavailable)
		default:
			http.Error(w, "The challenge was not solved. If there was none, please try again in a moment.", http.StatusForbidden)
		}
	}
}

// use remembers a challenge as used, in one step that fails where it is already: each counts once. A
// website with a database has a table with a unique column for it.
func use(folder, id string) error {
	file, err := os.OpenFile(filepath.Join(folder, id), os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		slog.Error("the challenge cannot be remembered as used (OCAPI_STATE_DIR)", "error", err)
	}
	return err
}

func run() error {
	ocapi, err := verify.FromEnvironment()
	if err != nil {
		return err
	}
	if len(os.Args) != 2 {
		return errors.New("usage: form ADDRESS")
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		return err
	}
	slog.Info("listening on http://" + listener.Addr().String())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", handler(ocapi, os.Getenv("OCAPI_STATE_DIR")))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

func main() {
	if err := run(); err != nil {
		slog.Error("the form ends", "error", err)
		os.Exit(1)
	}
}
