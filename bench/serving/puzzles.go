//go:build linux

package serving

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// hardestPuzzle is the most hexadecimal digits that are searched for: a moment.
const hardestPuzzle = 3

// solveCap finds what Cap's widget does: for each puzzle a number whose SHA-256
// hash, after the puzzle's salt, begins with its target. Salts and targets follow
// from the token.
func solveCap(created []byte) ([]byte, error) {
	var c struct {
		Token     string `json:"token"`
		Challenge struct {
			Count      int `json:"c"`
			Size       int `json:"s"`
			Difficulty int `json:"d"`
		} `json:"challenge"`
	}
	if err := json.Unmarshal(created, &c); err != nil {
		return nil, fmt.Errorf("read a challenge: %w", err)
	}
	p := c.Challenge
	if c.Token == "" || p.Count < 1 || p.Count > 1000 || p.Size < 1 || p.Size > 1000 || p.Difficulty < 1 || p.Difficulty > hardestPuzzle {
		return nil, fmt.Errorf("a challenge is not as expected: %.200q", created)
	}
	solutions := make([]int, p.Count)
	for i := range solutions {
		puzzle := c.Token + strconv.Itoa(i+1)
		n, err := search(capDigits(puzzle, p.Size), capDigits(puzzle+"d", p.Difficulty))
		if err != nil {
			return nil, err
		}
		solutions[i] = n
	}
	return json.Marshal(map[string]any{"token": c.Token, "solutions": solutions})
}

// search finds the least number.
func search(salt, target string) (int, error) {
	text := []byte(salt)
	var digits [2 * sha256.Size]byte
	for n := range 1 << (4*hardestPuzzle + 8) {
		sum := sha256.Sum256(strconv.AppendInt(text[:len(salt)], int64(n), 10))
		hex.Encode(digits[:], sum[:])
		if strings.HasPrefix(string(digits[:]), target) {
			return n, nil
		}
	}
	return 0, errors.New("a puzzle has no solution within reach")
}

// capDigits derives hexadecimal digits from a seed: FNV-1a begins an xorshift of
// 32 bits.
func capDigits(seed string, length int) string {
	state := uint32(2166136261)
	for i := range len(seed) {
		state = (state ^ uint32(seed[i])) * 16777619
	}
	var b strings.Builder
	for b.Len() < length {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		fmt.Fprintf(&b, "%08x", state)
	}
	return b.String()[:length]
}
