package e2e

import (
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the statement of the guides is tried out

	"ocapi/samplestest"
)

// The guides for websites. What they show is run here, on the real server.
var guides = []string{"../docs/website.md", "../docs/website.fr.md"}

// guide is a document with its blocks of code.
type guide struct {
	path, text string
	blocks     []block
}

type block struct{ language, code string }

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func readGuide(t *testing.T, path string) guide {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g := guide{path: path, text: string(text)}
	for _, found := range fence.FindAllStringSubmatch(g.text, -1) {
		g.blocks = append(g.blocks, block{found[1], found[2]})
	}
	return g
}

// block gives the n-th block in a language, from 0.
func (g guide) block(t *testing.T, language string, n int) string {
	t.Helper()
	for _, b := range g.blocks {
		if b.language != language {
			continue
		}
		if n == 0 {
			return b.code
		}
		n--
	}
	t.Fatalf("%s has too few blocks of %s", g.path, language)
	return ""
}

// TestGuidesAgree holds the two languages of the guide to the same blocks of
// code, and every link in them to something that is there.
func TestGuidesAgree(t *testing.T) {
	t.Parallel()
	var shapes [][]string
	for _, path := range guides {
		g := readGuide(t, path)
		var shape []string
		for _, b := range g.blocks {
			shape = append(shape, b.language)
			if slices.Contains([]string{"sh", "sql", "http"}, b.language) {
				shape = append(shape, b.code) // there are no words in it
			}
		}
		shapes = append(shapes, shape)

		anchors := anchorsOf(g.text)
		links := regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(g.text, -1)
		if len(links) < 5 {
			t.Errorf("%s has only %d links; the test is blind", path, len(links))
		}
		for _, link := range links {
			target, isAnchor := strings.CutPrefix(link[1], "#")
			if isAnchor && !anchors[target] {
				t.Errorf("%s links to #%s, which is no heading of it", path, target)
			}
			if !isAnchor {
				file, part, _ := strings.Cut(link[1], "#")
				file = filepath.Join(filepath.Dir(path), file)
				if _, err := os.Stat(file); err != nil {
					t.Errorf("%s links to %s: %v", path, link[1], err)
				} else if part != "" && !anchorsOf(readGuide(t, file).text)[part] {
					t.Errorf("%s links to %s, which is no heading there", path, link[1])
				}
			}
		}
	}
	if len(shapes[0]) < 10 || !slices.Equal(shapes[0], shapes[1]) {
		t.Errorf("the blocks of code are\n%q\nand\n%q", shapes[0], shapes[1])
	}
}

// anchorsOf gives the names of a document's headings in links.
func anchorsOf(text string) map[string]bool {
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		anchors[anchor(heading[1])] = true
	}
	return anchors
}

// anchor gives a heading's name in links, as the usual viewers make it.
func anchor(heading string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case strings.ContainsRune(".,:;()’'`/", r):
			return -1
		}
		return r
	}, strings.ToLower(heading))
	return kept
}

// mySite is the website of the guides.
const mySite = "my-site"

// siteSecret registers it once, with the command that the guide shows.
var siteSecret struct {
	once   sync.Once
	secret string
}

func mySecret(t *testing.T, s *server) string {
	t.Helper()
	siteSecret.once.Do(func() {
		command := exec.CommandContext(t.Context(), "sh", "-c", readGuide(t, guides[0]).block(t, "sh", 0))
		command.Env = append(os.Environ(), "PATH="+filepath.Dir(s.binary)+":"+os.Getenv("PATH"), "OCAPI_DATA="+s.data)
		out, err := command.Output()
		if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		var made struct {
			Client string `json:"client_id"`
			Secret string `json:"secret"`
		}
		if err := json.Unmarshal(out, &made); err != nil || made.Client != mySite || !strings.HasPrefix(made.Secret, "ocapi_") {
			t.Fatalf("the command of the guide prints %s (%v)", out, err)
		}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"client_id": mySite}).SignedString([]byte(made.Secret))
		if err != nil {
			t.Fatal(err)
		}
		until(t, pagePatience, "the new client is known", func() bool {
			status, body := state(t, s.base, mySite, uuid.NewString(), token)
			return status == http.StatusNotFound && strings.Contains(body, "challenge")
		})
		siteSecret.secret = made.Secret
	})
	if siteSecret.secret == "" {
		t.Fatal("there is no client for the guides")
	}
	return siteSecret.secret
}

// asker makes a program of what a guide shows in a language. The program takes
// an id and prints yes, no, or what went wrong.
type asker struct {
	language string
	// needs is the program that runs it; without it the test is skipped. Empty where it must be there.
	needs string
	// prepare puts the code into a folder and gives the command.
	prepare func(t *testing.T, folder, code string) []string
}

var askers = []asker{
	{"php", "", func(t *testing.T, folder, code string) []string {
		library, err := os.ReadFile("../examples/php/ocapi.php")
		if err != nil {
			t.Fatal(err)
		}
		write(t, folder, "ocapi.php", string(library))
		used := filepath.Join(folder, "used")
		if err := os.Mkdir(used, 0o700); err != nil {
			t.Fatal(err)
		}
		code = replace(t, code, "/var/lib/my-site/used-challenges", used)
		code = replace(t, code, "<?php\n", "<?php\n$_POST = ['ocapi-challenge-id' => $argv[1]];\n")
		write(t, folder, "form.php", code+`
echo $problem === '' ? 'yes' : ($problem === $argv[2] ? 'no' : $problem);`)
		// Each guide has words of its own for a challenge that was not solved.
		notSolved := regexp.MustCompile(`NotSolved => '([^']*)'`).FindStringSubmatch(code)
		if notSolved == nil {
			t.Fatal("the guide has no message for a challenge that was not solved")
		}
		return []string{findPHP(t), filepath.Join(folder, "form.php"), "ID", notSolved[1]}
	}},
	{"js", "node", func(t *testing.T, folder, code string) []string {
		write(t, folder, "ask.mjs", code+`
solved(process.argv[2]).then((is) => console.log(is ? 'yes' : 'no'), (error) => console.log(String(error)));
`)
		return []string{"node", filepath.Join(folder, "ask.mjs"), "ID"}
	}},
	{"python", "python3", func(t *testing.T, folder, code string) []string {
		write(t, folder, "ask.py", code+`

import sys
try:
    print("yes" if solved(sys.argv[1]) else "no")
except Exception as error:
    print(error)
`)
		return []string{"python3", filepath.Join(folder, "ask.py"), "ID"}
	}},
	{"go", "", func(t *testing.T, folder, code string) []string {
		write(t, folder, "go.mod", "module website\n\ngo 1.22\n")
		write(t, folder, "solved.go", replace(t, code, "package website", "package main"))
		write(t, folder, "main.go", `package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	is, err := solved(context.Background(), os.Args[1])
	switch {
	case err != nil:
		fmt.Println(err)
	case is:
		fmt.Println("yes")
	default:
		fmt.Println("no")
	}
}
`)
		build := exec.CommandContext(t.Context(), "go", "build", "-o", "ask", ".")
		build.Dir = folder
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		return []string{filepath.Join(folder, "ask"), "ID"}
	}},
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace replaces what has to be there.
func replace(t *testing.T, text, old, fresh string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %s in:\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, fresh)
}

// TestGuideChecks runs what the guides have a website's server do, in every
// language: it says yes to a solved challenge and to nothing else, and an error
// is neither yes nor no.
func TestGuideChecks(t *testing.T) {
	t.Parallel()
	s := shared.running(t)
	secret := mySecret(t, s)
	for _, path := range guides {
		g := readGuide(t, path)
		for _, a := range askers {
			t.Run(filepath.Base(path)+"/"+a.language, func(t *testing.T) {
				t.Parallel()
				if a.needs != "" {
					if _, err := exec.LookPath(a.needs); err != nil {
						samplestest.Missing(t, "there is no "+a.needs+"; install it, or run as root: make test-deps")
					}
				}
				program := func(base string) func(id, secret string) string {
					folder := t.TempDir()
					command := a.prepare(t, folder, replace(t, g.block(t, a.language, 0), "https://ocapi.example", base))
					return func(id, secret string) string {
						t.Helper()
						args := slices.Clone(command)
						args[slices.Index(args, "ID")] = id
						cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
						cmd.Env = append(os.Environ(), "OCAPI_PRIVATE_ID="+secret)
						out, err := cmd.Output()
						if err != nil {
							t.Fatalf("%v: %v\n%s", cmd, err, out)
						}
						return strings.TrimSpace(string(out))
					}
				}
				ask := program(s.base)
				other := solved(t, s, "demo")
				for name, tt := range map[string]struct{ id, want string }{
					"validated":                  {solved(t, s, mySite), "yes"},
					"rejected":                   {answered(t, s, mySite, false), "no"},
					"unanswered":                 {created(t, s, mySite), "no"},
					"unknown":                    {uuid.NewString(), "no"},
					"another client's":           {other, "no"},
					"another client's, by paths": {"../demo/" + other, "no"},
					"no id":                      {"", "no"},
				} {
					if got := ask(tt.id, secret); got != tt.want {
						t.Errorf("a challenge that is %s: %s, want %s", name, got, tt.want)
					}
				}
				if got := ask(solved(t, s, mySite), secret+"x"); got == "yes" || got == "no" {
					t.Errorf("with a wrong private id: %s", got)
				}
				if got := program(nowhere(t))(uuid.NewString(), secret); got == "yes" || got == "no" {
					t.Errorf("while Ocapi is down: %s", got)
				}
			})
		}
	}
}

// TestGuideTable tries the statement by which a challenge counts once.
func TestGuideTable(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	if _, err := db.ExecContext(t.Context(), readGuide(t, guides[0]).block(t, "sql", 0)); err != nil {
		t.Fatal(err)
	}
	insert := func() error {
		_, err := db.ExecContext(t.Context(), `INSERT INTO used_challenges (id) VALUES ('5f0c7d0e-4f6b-4c55-9d57-0c1a2b3c4d5e')`)
		return err
	}
	if first, second := insert(), insert(); first != nil || second == nil {
		t.Errorf("the first use: %v; the second: %v", first, second)
	}
}

// guidePage serves the page of a guide, under the policy of the guide, and takes
// its form. What the form brings goes to the channel.
func guidePage(t *testing.T, s *server, g guide, script string) (address string, forms <-chan url.Values) {
	t.Helper()
	brought := make(chan url.Values, 1)
	at := func(text string) string { return replace(t, text, "https://ocapi.example", s.base) }
	name, policy, ok := strings.Cut(strings.TrimSpace(at(g.block(t, "http", 0))), ": ")
	if !ok {
		t.Fatal("the guide shows no header")
	}
	page := at(g.block(t, "html", 0))
	if script != "" {
		page = replace(t, page, "</body>", `<script src="/page.js"></script></body>`)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set(name, policy)
		_, _ = io.WriteString(w, page)
	})
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = io.WriteString(w, script)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /contact", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
			t.Errorf("the form cannot be read: %v", err)
		}
		brought <- r.PostForm
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Thank you</title>")
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site.URL, brought
}

// TestGuidePage solves the challenge of the page that the guides show, under the
// policy that they show.
func TestGuidePage(t *testing.T) {
	t.Parallel()
	const message = `document.querySelector('textarea')`
	for _, path := range guides {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, p := shared.running(t), newTab(t)
			mySecret(t, s)
			g := readGuide(t, path)
			address, forms := guidePage(t, s, g, "")
			p.open(address)
			id := p.dealt("")
			if language := eval[string](p, root+`.querySelector('.box').lang`); !strings.Contains(g.text, `<html lang="`+language+`">`) {
				t.Errorf("the challenge speaks %q", language)
			}
			p.enter(message, userName)
			p.answer(s.truth(t, id), true)
			p.click(validate)
			p.enters("validated")
			p.submit(`document.querySelector('[type=submit]')`)
			form := <-forms
			for name, want := range map[string]string{
				"message": userName, "ocapi-challenge-id": id, "captchan-challenge-id": id, "ocapi-client-id": mySite, "captchan-client-id": mySite,
			} {
				if got := form[name]; !slices.Equal(got, []string{want}) {
					t.Errorf("the form brings %s = %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestGuideScript sends the form of the guides' page by the script that they
// show, twice without loading the page anew.
func TestGuideScript(t *testing.T) {
	t.Parallel()
	for _, path := range guides {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, p := shared.running(t), newTab(t)
			mySecret(t, s)
			g := readGuide(t, path)
			address, forms := guidePage(t, s, g, g.block(t, "js", 1))
			p.open(address)
			p.enter(`document.querySelector('textarea')`, userName)
			before := ""
			for range 2 {
				id := p.dealt(before)
				p.answer(s.truth(t, id), true)
				p.click(validate)
				p.enters("validated")
				if got := eval[string](p, `OcapiChallenge.getResponse(document.querySelector('#contact'))`); got != id {
					t.Errorf("the page is told that %q is validated, not %s", got, id)
				}
				p.click(`document.querySelector('[type=submit]')`)
				select {
				case form := <-forms:
					if got := form.Get("ocapi-challenge-id"); got != id {
						t.Errorf("the form brings %q, not %s", got, id)
					}
				case <-time.After(pagePatience):
					t.Fatal("the form was not sent")
				}
				before = id
			}
			p.dealt(before)
			if got := eval[string](p, `OcapiChallenge.getResponse()`); got != "" {
				t.Errorf("after a reset %q is still said to be validated", got)
			}
		})
	}
}
