// Command images serves the challenges of two libraries that draw distorted
// digits, each behind the bare chi handler that Ocapi is compared with: a
// challenge with its picture, and the check of an answer. It prints its address
// and serves until its standard input ends.
//
// The answer is told with the challenge, for the program that measures, which
// cannot read pictures.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/dchest/captcha"
	"github.com/go-chi/chi/v5"
	"github.com/mojocn/base64Captcha"
)

// live is how long challenges are kept, and collectEvery after how many of them
// a store looks for those that are over: both as the libraries' defaults.
const (
	live          = 10 * time.Minute
	collectDchest = captcha.CollectNum
	collectMojo   = 10240
)

// library is what both do.
type library interface {
	create() (created, error)
	verify(id, answer string) bool
}

// created is the response to a request for a challenge.
type created struct {
	ID     string `json:"captcha_id"`
	Image  string `json:"image"` // a data: URL with a PNG
	Answer string `json:"answer"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	libraries := map[string]func() library{"dchest": newDchest, "base64captcha": newMojo}
	if len(args) != 1 || libraries[args[0]] == nil {
		return errors.New("usage: images dchest|base64captcha")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(libraries[args[0]]())}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if _, err := fmt.Fprintln(out, listener.Addr()); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Shutdown(context.Background())
	}()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func handler(l library) http.Handler {
	mux := chi.NewRouter()
	mux.Get("/create", func(w http.ResponseWriter, _ *http.Request) {
		c, err := l.create()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		respond(w, c)
	})
	mux.Post("/verify", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ ID, Answer string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&asked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		respond(w, map[string]bool{"success": l.verify(asked.ID, asked.Answer)})
	})
	return mux
}

func respond(w http.ResponseWriter, what any) {
	body, err := json.Marshal(what)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

// dchest is github.com/dchest/captcha.
type dchest struct{ store captcha.Store }

func newDchest() library {
	d := dchest{captcha.NewMemoryStore(collectDchest, live)}
	captcha.SetCustomStore(d.store)
	return d
}

func (d dchest) create() (created, error) {
	c := created{ID: captcha.New()}
	var png bytes.Buffer
	if err := captcha.WriteImage(&png, c.ID, captcha.StdWidth, captcha.StdHeight); err != nil {
		return c, err
	}
	c.Image = "data:image/png;base64," + base64.StdEncoding.EncodeToString(png.Bytes())
	for _, digit := range d.store.Get(c.ID, false) {
		c.Answer += strconv.Itoa(int(digit))
	}
	return c, nil
}

func (dchest) verify(id, answer string) bool { return captcha.VerifyString(id, answer) }

// mojo is github.com/mojocn/base64Captcha with digits.
type mojo struct{ captcha *base64Captcha.Captcha }

func newMojo() library {
	return mojo{base64Captcha.NewCaptcha(base64Captcha.DefaultDriverDigit, base64Captcha.NewMemoryStore(collectMojo, live))}
}

func (m mojo) create() (c created, err error) {
	c.ID, c.Image, c.Answer, err = m.captcha.Generate()
	return c, err
}

func (m mojo) verify(id, answer string) bool { return m.captcha.Verify(id, answer, true) }
