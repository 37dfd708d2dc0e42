package eventstore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/domain"
)

// outcome is what became of an append. A new one needs String.
type outcome uint8

const (
	outcomeInvalid  outcome = iota
	outcomeStored           // acknowledged
	outcomeConflict         // the subject had moved on
	outcomeRefused          // not even tried: the log is full, behind, silent, stopping or overloaded
	outcomeFailed           // the log refused it, or did not acknowledge: it may be there still
	outcomeCount
)

// String gives the name that metrics use.
func (o outcome) String() string {
	switch o {
	case outcomeStored:
		return "stored"
	case outcomeConflict:
		return "conflict"
	case outcomeRefused:
		return "refused"
	case outcomeFailed:
		return "failed"
	case outcomeInvalid, outcomeCount:
	}
	return "invalid"
}

// outcomeOf tells what an append that was tried came to.
func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return outcomeStored
	case domain.CodeOf(err) == domain.CodeConflict:
		return outcomeConflict
	}
	return outcomeFailed
}

// logMetrics measures appends. The number of series is fixed.
type logMetrics struct {
	seconds  prometheus.Histogram
	batch    prometheus.Histogram
	refused  prometheus.Counter
	outcomes [outcomeCount]prometheus.Counter
	queue    prometheus.Collector
}

// batchBuckets are for numbers of events up to gatherBatch and archiveBatch.
var batchBuckets = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}

func newLogMetrics(queued func() float64) *logMetrics {
	m := &logMetrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ocapi_publish_duration_seconds",
			Help: "Time until the event log acknowledged an event or said no, the wait for others' events included.",
			// From a server's memory (interval) to a cluster that elects a leader (6.5 s).
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ocapi_publish_batch_events", Help: "Events that one flush of the event log served, where events are gathered.", Buckets: batchBuckets,
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ocapi_publish_batches_refused_total", Help: "Batches that the event log refused whole, so that each event was tried alone.",
		}),
		queue: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ocapi_publish_queue_events", Help: "Events that wait for the flush under way.",
		}, queued),
	}
	for o := outcomeInvalid + 1; o < outcomeCount; o++ {
		m.outcomes[o] = prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ocapi_publish_events_total", Help: "Events offered to the log by this node, by what became of them.",
			ConstLabels: prometheus.Labels{"outcome": o.String()},
		})
	}
	return m
}

// done notes an append that was tried.
func (m *logMetrics) done(began time.Time, err error) {
	m.seconds.Observe(time.Since(began).Seconds())
	m.outcomes[outcomeOf(err)].Inc()
}

// Register shows how this process's appends fare: ocapi_publish_… The number of
// series is fixed. The error is that of the registerer.
func (l *Log) Register(registerer prometheus.Registerer) error {
	m := l.metrics
	all := []prometheus.Collector{m.seconds, m.batch, m.refused, m.queue}
	for _, c := range m.outcomes[outcomeInvalid+1:] {
		all = append(all, c)
	}
	return registerAll(registerer, all)
}

func registerAll(registerer prometheus.Registerer, all []prometheus.Collector) error {
	for _, c := range all {
		if err := registerer.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// archiverMetrics measures transactions of the archive.
type archiverMetrics struct{ seconds, batch prometheus.Histogram }

func newArchiverMetrics() archiverMetrics {
	return archiverMetrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ocapi_archive_duration_seconds", Help: "Time that one transaction of the archive took on this node.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ocapi_archive_batch_events", Help: "Events that one transaction of the archive took on this node.", Buckets: batchBuckets,
		}),
	}
}

// Register shows how archiving fares on this node: ocapi_archive_… The number of
// series is fixed. The error is that of the registerer.
func (a *Archiver) Register(registerer prometheus.Registerer) error {
	return registerAll(registerer, []prometheus.Collector{a.metrics.seconds, a.metrics.batch})
}
