package stats

import (
	"strings"
	"testing"

	"ocapi/projections"
)

func TestVerdictOnEvenness(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		e    projections.Evenness
		want string
	}{
		{projections.Evenness{AUC: 0.5, Pairs: 1}, "hardly better than a coin"},
		{projections.Evenness{AUC: 0.45, Pairs: 1}, "hardly better than a coin"},
		{projections.Evenness{AUC: 0.56, Pairs: 1}, "in 56 of 100 pairs"},
		{projections.Evenness{AUC: 0.1, Pairs: 1}, "in 90 of 100 pairs"},
		{projections.Evenness{}, "not both known and unknown"},
	} {
		if got := verdictOn(tt.e); !strings.Contains(got, tt.want) {
			t.Errorf("of %+v it says %q; want %q", tt.e, got, tt.want)
		}
	}
}
