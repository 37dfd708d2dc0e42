package eventstore_test

import (
	"math"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
	"ocapi/eventstore"
)

// measured gives what a registry says: counters and gauges by name and outcome,
// histograms as name/count and name/sum.
func measured(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			if h := m.GetHistogram(); h != nil {
				got[name+"/count"], got[name+"/sum"] = float64(h.GetSampleCount()), h.GetSampleSum()
				continue
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return got
}

// TestAppendsAreMeasured: every append is counted once, by what became of it, and
// the sizes of all flushes add up to the appends.
func TestAppendsAreMeasured(t *testing.T) {
	t.Parallel()
	for _, d := range durabilities() {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), d)
			registry := prometheus.NewRegistry()
			if err := s.log.Register(registry); err != nil {
				t.Fatal(err)
			}
			if err := s.log.Register(registry); err == nil {
				t.Error("the same metrics are registered twice")
			}
			ctx := t.Context()
			const strangers, racers = 200, 20
			c := created("site", newChallengeID())
			r, err := s.log.Append(ctx, c, 0)
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for range strangers {
				wg.Go(func() { _, _ = s.log.Append(ctx, created("site", newChallengeID()), 0) })
			}
			for range racers {
				wg.Go(func() { _, _ = s.log.Append(ctx, answered(c, domain.StatusValidated), r.Seq) })
			}
			wg.Wait()
			s.log.Close()
			if d == eventstore.DurabilityFsync {
				_, _ = s.log.Append(ctx, created("site", newChallengeID()), 0)
			}
			got := measured(t, registry)
			want := map[string]float64{
				"ocapi_publish_events_total stored": 1 + strangers + 1, "ocapi_publish_events_total conflict": racers - 1,
				"ocapi_publish_events_total failed": 0, "ocapi_publish_events_total refused": 0, "ocapi_publish_queue_events": 0,
				"ocapi_publish_duration_seconds/count": 1 + strangers + racers,
			}
			if d == eventstore.DurabilityFsync {
				want["ocapi_publish_events_total refused"] = 1
				want["ocapi_publish_batch_events/sum"] = 1 + strangers + 1
			} else {
				want["ocapi_publish_batch_events/count"] = 0
			}
			for name, value := range want {
				if got[name] != value {
					t.Errorf("%s is %g, not %g", name, got[name], value)
				}
			}
			if s := got["ocapi_publish_duration_seconds/sum"]; s <= 0 || math.IsNaN(s) {
				t.Errorf("the appends took %g s", s)
			}
			if flushes := got["ocapi_publish_batch_events/count"]; d == eventstore.DurabilityFsync && (flushes < 1 || flushes >= 1+strangers+1) {
				t.Errorf("%g flushes served %d appends: nothing was gathered", flushes, 1+strangers+1)
			}
		})
	}
}

// TestArchivingIsMeasured: the sizes of all transactions add up to the events.
func TestArchivingIsMeasured(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), eventstore.DurabilityFsync)
	const events = 300
	s.load(events)
	a, stop := s.archiver()
	registry := prometheus.NewRegistry()
	if err := a.Register(registry); err != nil {
		t.Fatal(err)
	}
	extent, err := s.log.Extent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "all to be archived", func() bool { return a.Position().Seq == extent.Last })
	stop()
	got := measured(t, registry)
	if got["ocapi_archive_batch_events/sum"] != float64(extent.Last) || got["ocapi_archive_duration_seconds/count"] != got["ocapi_archive_batch_events/count"] ||
		got["ocapi_archive_duration_seconds/sum"] <= 0 {
		t.Errorf("measured %v of %d events", got, extent.Last)
	}
}
