package clients_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/clients"
)

const someKey = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"

func TestParseKeyring(t *testing.T) {
	t.Parallel()
	many := ""
	for i := range 17 {
		many += fmt.Sprintf("k%d:%s\n", i, someKey)
	}
	for _, tt := range []struct {
		name, text, first, says string
	}{
		{"one", "a:" + someKey, "a", ""},
		{"a file", "# keys\n\n  b:" + someKey + " # since May\r\na:" + someKey + "\n", "b", ""},
		{"a variable", "c:" + someKey + ",a:" + someKey, "c", ""},
		{"nothing", "", "", "no key"},
		{"comments", "# a:" + someKey, "", "no key"},
		{"a bare key", someKey, "", "key 1: it is not of the form ID:KEY"},
		{"without an id", ":" + someKey, "", "its id is not"},
		{"a long id", strings.Repeat("x", 17) + ":" + someKey, "", "its id is not"},
		{"an id in capitals", "A:" + someKey, "", "its id is not"},
		{"a short key", "a:" + someKey[:62], "", "the key a is not 64"},
		{"a long key", "a:" + someKey + "00", "", "the key a is not 64"},
		{"no digits", "a:" + strings.Repeat("x", 64), "", "the key a is not 64"},
		{"twice", "a:" + someKey + " b:" + someKey + " a:" + someKey, "", "key 3: the id a is there twice"},
		{"too many", many, "", "more than 16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k, err := clients.ParseKeyring(tt.text)
			if tt.says == "" {
				if err != nil || k.First() != tt.first {
					t.Errorf("the first key is %q, %v", k.First(), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error %v; want %q", err, tt.says)
			}
			if strings.Contains(err.Error(), someKey[:8]) {
				t.Errorf("the error tells of the key: %v", err)
			}
		})
	}
	if first := (*clients.Keyring)(nil).First(); first != "" {
		t.Errorf("no keyring has the key %s", first)
	}
}

func FuzzParseKeyring(f *testing.F) {
	f.Add("a:" + someKey)
	f.Add("a:" + someKey + ",b:" + someKey + "# c")
	f.Add("# a\n:\x00")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := clients.ParseKeyring(text)
		if (err == nil) != (k.First() != "") {
			t.Errorf("the first key is %q, %v", k.First(), err)
		}
	})
}

func TestKeyringIsNeverPrinted(t *testing.T) {
	t.Parallel()
	k, err := clients.ParseKeyring("first:" + someKey)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "keys", k)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "keys", k, "in", struct{ K *clients.Keyring }{k})
	encoded, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, k), fmt.Sprintf(verb, []*clients.Keyring{k}))
	}
	for _, p := range printed {
		if strings.Contains(strings.ToLower(p), someKey[:16]) || strings.Contains(p, "1 35 69 103") {
			t.Errorf("a key was printed: %.80s", p)
		}
	}
	if got := fmt.Sprint(k); got != "keys first" {
		t.Errorf("it prints as %q", got)
	}
}

func TestAddKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secrets.key")
	if _, err := clients.ReadKeyring(path, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that is not there: %v", err)
	}
	var ids []string
	for range 2 {
		id, err := clients.AddKey(path, true)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		k, err := clients.ReadKeyring(path, func(w string) { t.Error(w) })
		if err != nil || k.First() != id {
			t.Fatalf("the first key is %q, %v; want %q", k.First(), err, id)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file's mode is %v, %v", info.Mode(), err)
		}
	}
	last, err := clients.AddKey(path, false)
	if err != nil {
		t.Fatal(err)
	}
	k, err := clients.ReadKeyring(path, nil)
	if want := fmt.Sprintf("keys %s, %s, %s", ids[1], ids[0], last); err != nil || fmt.Sprint(k) != want {
		t.Errorf("the file has the %v, %v; want %s", k, err, want)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "Keys of Ocapi") != 1 {
		t.Errorf("the file does not begin as one: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("there are %d files, %v", len(entries), err)
	}
	var warned string
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := clients.ReadKeyring(path, func(w string) { warned = w }); err != nil || !strings.Contains(warned, "0640") {
		t.Errorf("of a file that the group can read it says %q, %v", warned, err)
	}
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clients.AddKey(path, true); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a key was added to nonsense: %v", err)
	}
}
