package bundle_test

import (
	"os"
	"path/filepath"
	"testing"

	"ocapi/widget/bundle"
)

func TestDigestTellsLanguagesApart(t *testing.T) {
	t.Parallel()
	all := map[string]bool{}
	for _, languages := range []map[string][]byte{
		{}, {"de": []byte("ab")}, {"de": []byte("a")}, {"d": []byte("eab")}, {"de": []byte("a"), "b": nil}, {"de": nil, "b": []byte("a")},
	} {
		all[bundle.Digest(languages)] = true
	}
	if len(all) != 6 {
		t.Errorf("six sets of languages have %d digests", len(all))
	}
}

func TestPublished(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"0.5.0 sha384-a -\n0.6.0 sha384-b sha384-c\n": true,
		"0.5.0 sha384-a\n":                            false,
		"0.5.0 sha384-a - 1\n":                        false,
		"\n":                                          false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "published.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		pins, err := bundle.Published(dir)
		if (err == nil) != ok {
			t.Errorf("%q: error = %v", text, err)
		}
		if want := (bundle.Pin{Script: "sha384-b", Languages: "sha384-c"}); ok && pins["0.6.0"] != want {
			t.Errorf("%q: %+v", text, pins)
		}
	}
	if _, err := bundle.Published(t.TempDir()); err == nil {
		t.Error("a file that is not there is no error")
	}
}
