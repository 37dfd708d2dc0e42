//go:build linux

package service

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestBareHandlerWritesTheSamples(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := bareHandler(folder); err == nil {
		t.Error("a folder without samples was accepted")
	}
	for name, body := range map[string]string{"challenge-0.json": `{"a":1}`, "picture-0-0.bin": "zero", "picture-0-1.bin": "one"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	handler, err := bareHandler(folder)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		path, want string
		status     int
	}{
		{"/challenge/bench", `{"a":1}`, http.StatusOK},
		{"/picture/0", "zero", http.StatusOK},
		{"/picture/3", "one", http.StatusOK},
		{"/picture/x", "404 page not found\n", http.StatusNotFound},
		{"/", "404 page not found\n", http.StatusNotFound},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.path, nil))
		if w.Code != test.status || w.Body.String() != test.want {
			t.Errorf("%s: got %d %q, want %d %q", test.path, w.Code, w.Body, test.status, test.want)
		}
		if w.Code == http.StatusOK && w.Header().Get("Content-Length") != strconv.Itoa(len(test.want)) {
			t.Errorf("%s: the Content-Length is %q", test.path, w.Header().Get("Content-Length"))
		}
	}
}

func TestCollectionHasDistinctWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range knownWords + unknownWords {
		if seen[Word(i)] {
			t.Fatalf("the word %q comes twice", Word(i))
		}
		seen[Word(i)] = true
	}
}
