package statistics

import (
	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
)

// The statistics as metrics. Series are by type, role and outcome, never by
// client or image: their number is fixed. All nodes show the same figures, as
// all read the same log.
var (
	descExposures = prometheus.NewDesc("ocapi_image_exposures_total",
		"Images shown in challenges, by the challenge's type and the image's role, since the first event.", []string{"type", "role"}, nil)
	descOutcomes = prometheus.NewDesc("ocapi_challenges_total",
		"Challenges by what became of them, since the first event; issued counts all, expired those not answered in time.", []string{"type", "outcome"}, nil)
	descActive = prometheus.NewDesc("ocapi_images_active",
		"Images shown in the hour before the latest event.", []string{"type"}, nil)
	descImages = prometheus.NewDesc("ocapi_images_shown", "Images that were ever shown.", nil, nil)
	descLag    = prometheus.NewDesc("ocapi_frequency_lag_events",
		"Events that the log has and the statistics have not read.", nil, nil)
	descCaughtUp = prometheus.NewDesc("ocapi_frequency_caught_up",
		"0 while the statistics are being made from the archive after a start, and the figures of challenges and images are left out.", nil, nil)
	descSnapshotAge = prometheus.NewDesc("ocapi_frequency_snapshot_age_seconds",
		"Age of the stored statistics, on the node that archives, where there are some.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (s *Frequency) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descExposures, descOutcomes, descActive, descImages, descLag, descCaughtUp, descSnapshotAge} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *Frequency) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	read := s.Frequency.Next() - 1
	gauge(descLag, float64(max(s.Log.Seen(), s.Archiver.Position().Seq, read)-read))
	s.mu.Lock()
	kept := s.kept
	s.mu.Unlock()
	if kept.seq > 0 && s.Archiver.Active() {
		gauge(descSnapshotAge, max(0, s.Now().Sub(kept.madeAt)).Seconds())
	}
	if !s.caughtUp.Load() {
		gauge(descCaughtUp, 0)
		return // half of the figures would look like a rush
	}
	gauge(descCaughtUp, 1)
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	totals := s.Frequency.Totals()
	gauge(descImages, float64(totals.Images))
	for kind := domain.TypeTranscription; kind <= domain.TypeAudio; kind++ {
		name := kind.String()
		o := totals.Outcomes[kind]
		counter(descOutcomes, o.Issued, name, "issued")
		counter(descOutcomes, o.Validated, name, "validated")
		counter(descOutcomes, o.Rejected, name, "rejected")
		counter(descOutcomes, o.Expired, name, "expired")
		if kind == domain.TypeAudio {
			continue // has no images
		}
		e := totals.Exposures[kind]
		counter(descExposures, e.Known, name, domain.RoleKnown.String())
		counter(descExposures, e.Unknown, name, domain.RoleUnknown.String())
		counter(descExposures, e.Sentinel, name, domain.RoleSentinel.String())
		gauge(descActive, float64(totals.ActiveImages[kind]), name)
	}
}

var _ prometheus.Collector = (*Frequency)(nil)
