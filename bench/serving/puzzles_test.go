//go:build linux

package serving

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// TestCapDigits compares with what @cap.js/server 4.0.5 derives.
func TestCapDigits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		seed, want string
	}{
		{"a", "441aaeb8"},
		{"0123456789abcdef0123456789abcdef0123456789abcdef011", "2b5c4ca2fbc3e5066b0fb0573da6c475"},
		{"token50d", "f86"},
		{"", "4622a6774f65af21aabf"},
	} {
		if got := capDigits(test.seed, len(test.want)); got != test.want {
			t.Errorf("%q gives %s, want %s", test.seed, got, test.want)
		}
	}
}

func TestSolveCap(t *testing.T) {
	t.Parallel()
	body, err := solveCap([]byte(`{"challenge":{"c":5,"s":16,"d":2},"token":"abc","expires":1}`))
	if err != nil {
		t.Fatal(err)
	}
	var solved struct {
		Token     string
		Solutions []int
	}
	if err := json.Unmarshal(body, &solved); err != nil || solved.Token != "abc" || len(solved.Solutions) != 5 {
		t.Fatalf("got %s, %v", body, err)
	}
	for i, n := range solved.Solutions {
		puzzle := "abc" + strconv.Itoa(i+1)
		sum := sha256.Sum256([]byte(capDigits(puzzle, 16) + strconv.Itoa(n)))
		if target := capDigits(puzzle+"d", 2); !strings.HasPrefix(hex.EncodeToString(sum[:]), target) {
			t.Errorf("puzzle %d: the hash with %d does not begin with %s", i+1, n, target)
		}
	}
	for _, bad := range []string{"", "{}", `{"challenge":{"c":5,"s":16,"d":4},"token":"abc"}`, `{"challenge":{"c":0,"s":16,"d":1},"token":"abc"}`} {
		if body, err := solveCap([]byte(bad)); err == nil {
			t.Errorf("%q gives %s", bad, body)
		}
	}
}

func TestSolveImages(t *testing.T) {
	t.Parallel()
	body, err := solveImages([]byte(`{"captcha_id":"x","image":"data:image/png;base64,AA","answer":"123"}`))
	if err != nil || string(body) != `{"answer":"123","id":"x"}` {
		t.Errorf("got %s, %v", body, err)
	}
	for _, bad := range []string{"", "{}", `{"captcha_id":"x","image":"","answer":"123"}`, `{"captcha_id":"x","image":"data:image/png;base64,AA"}`} {
		if body, err := solveImages([]byte(bad)); err == nil {
			t.Errorf("%q gives %s", bad, body)
		}
	}
}
