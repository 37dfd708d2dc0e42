package domain_test

import (
	"slices"
	"testing"
	"time"

	"ocapi/domain"
)

func TestUUIDv7(t *testing.T) {
	t.Parallel()
	zeros := [domain.RandomBytes]byte{}
	ones := [domain.RandomBytes]byte(slices.Repeat([]byte{0xff}, domain.RandomBytes))
	// The moment is the example's of RFC 9562, appendix A.6.
	example := time.Date(2022, time.February, 22, 19, 22, 22, 0, time.UTC)
	for _, c := range []struct {
		name   string
		at     time.Time
		random [domain.RandomBytes]byte
		want   string
	}{
		{"the example of the RFC", example, [domain.RandomBytes]byte{0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f}, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"},
		{"no bit of the layout is random", example, zeros, "017f22e2-79b0-7000-8000-000000000000"},
		{"all others are", example, ones, "017f22e2-79b0-7fff-bfff-ffffffffffff"},
		{"parts of milliseconds are left out", example.Add(999 * time.Microsecond), zeros, "017f22e2-79b0-7000-8000-000000000000"},
		{"the next millisecond", example.Add(time.Millisecond), zeros, "017f22e2-79b1-7000-8000-000000000000"},
		{"another zone", example.In(time.FixedZone("", 3600)), zeros, "017f22e2-79b0-7000-8000-000000000000"},
	} {
		if got := domain.UUIDv7(c.at, c.random).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
