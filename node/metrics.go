package node

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ocapi/challenges"
	"ocapi/domain"
	"ocapi/place"
)

// Metrics of the parts that know nothing of metrics themselves. The number of
// series is fixed: labels are of closed sets, never a client, a collection or
// anything that a caller has sent.

var (
	descArchiveLag = prometheus.NewDesc("ocapi_archive_lag_events",
		"Events that the log has and the archive has not.", nil, nil)
	descArchiveLagSeconds = prometheus.NewDesc("ocapi_archive_lag_seconds",
		"How long the oldest event that is not archived has been in the log, to the second; 0 when all are.", nil, nil)
	descLogBytes    = prometheus.NewDesc("ocapi_log_bytes", "Size of the event log, a second ago.", nil, nil)
	descLogMaxBytes = prometheus.NewDesc("ocapi_log_max_bytes",
		"Size at which the event log is full. New challenges are refused at nine tenths of it.", nil, nil)
	descLogEvents      = prometheus.NewDesc("ocapi_log_events", "Events in the log, a second ago.", nil, nil)
	descLogSequence    = prometheus.NewDesc("ocapi_log_sequence", "Sequence of the last event that this node knows of.", nil, nil)
	descLogFailing     = prometheus.NewDesc("ocapi_log_failing", "1 while the event log does not answer, has no quorum or has lost its end.", nil, nil)
	descProjectionLag  = prometheus.NewDesc("ocapi_projection_lag_events", "Events that the log has and this node's memory of challenges has not.", nil, nil)
	descProjectionDone = prometheus.NewDesc("ocapi_projection_caught_up",
		"0 after a start until the memory of challenges holds what the log held then.", nil, nil)
	descLookups = prometheus.NewDesc("ocapi_lookups_total",
		"Look-ups of challenges, by what for (state: a partner asks; visit: a browser answers, looks or listens) and where they were answered.",
		[]string{"purpose", "source"}, nil)
	descPictures = prometheus.NewDesc("ocapi_pictures_total", "Pictures fetched for challenges, by where from.", []string{"source"}, nil)
	descPools    = prometheus.NewDesc("ocapi_pools",
		"Pools of collections that this node deals from, by type and state: dealt; of those due (their generation has served its time) and worn (they have lost a quarter of it); too_small is not dealt.",
		[]string{"type", "state"}, nil)
	descLifeLeft = prometheus.NewDesc("ocapi_generation_life_left_ratio",
		"The least part of a generation's life that is left in any pool, from 1 to 0.", []string{"type"}, nil)
	descDiskFree = prometheus.NewDesc("ocapi_disk_free_bytes", "Space that is left for the data folder, where the node has one.", nil, nil)
	descDiskSize = prometheus.NewDesc("ocapi_disk_size_bytes", "Size of the data folder's file system, where the node has one.", nil, nil)
	descWAL      = prometheus.NewDesc("ocapi_wal_bytes",
		"Size of a database's write-ahead log, where the node has a data folder.", []string{"database"}, nil)
)

// figures collects them.
type figures struct {
	node    *node
	service *challenges.Service
	lag     *lag
}

var _ prometheus.Collector = (*figures)(nil)

// registerFigures shows how log, archive, projection, look-ups, dealing and disk
// are.
func (n *node) registerFigures(service *challenges.Service) error {
	if err := n.log.Register(n.metrics); err != nil {
		return err
	}
	if err := n.archiver.Register(n.metrics); err != nil {
		return err
	}
	f := &figures{node: n, service: service, lag: &lag{}}
	n.work.run(f.keep)
	return n.metrics.Register(f)
}

// Describe implements [prometheus.Collector].
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descArchiveLag, descArchiveLagSeconds, descLogBytes, descLogMaxBytes, descLogEvents, descLogSequence, descLogFailing,
		descProjectionLag, descProjectionDone, descLookups, descPictures, descPools, descLifeLeft, descDiskFree, descDiskSize, descWAL,
	} {
		to <- d
	}
}

// lagEvery is how often it is noted how far the log has come.
const lagEvery = time.Second

// keep notes how far the log has come.
func (f *figures) keep(ctx context.Context) {
	for sleep(ctx, lagEvery) {
		f.lag.note(f.node.env.Clock()(), f.node.logEnd(), f.node.archiver.Position().Seq)
	}
}

// LogEnd is the last event that this node knows to be in the log.
func (n *node) logEnd() domain.Sequence { return max(n.log.Seen(), n.trimmer.Extent().Last) }

// Collect implements [prometheus.Collector].
func (f *figures) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	n := f.node
	end, archived, extent := n.logEnd(), n.archiver.Position().Seq, n.trimmer.Extent()
	gauge(descArchiveLag, float64(end-min(end, archived)))
	gauge(descArchiveLagSeconds, f.lag.behind(n.env.Clock()(), archived).Seconds())
	gauge(descLogBytes, float64(extent.Bytes))
	gauge(descLogMaxBytes, float64(n.log.MaxBytes()))
	gauge(descLogEvents, float64(extent.Last+1-min(extent.First, extent.Last+1)))
	gauge(descLogSequence, float64(end))
	_, failure := n.trimmer.LogFailure()
	gauge(descLogFailing, oneIf(failure != nil || n.log.Behind()))
	// What was trimmed need not be read.
	read := max(domain.Sequence(n.projected.Load()), max(extent.First, 1)-1)
	gauge(descProjectionLag, float64(end-min(end, read)))
	gauge(descProjectionDone, oneIf(n.caughtUp.Load()))
	for _, p := range challenges.Purposes() {
		for _, s := range challenges.Sources() {
			counter(descLookups, f.service.Lookups(p, s), p.String(), s.String())
		}
	}
	cached, stored, failed := n.stores.Corpus.Pictures()
	counter(descPictures, cached, "cache")
	counter(descPictures, stored, "store")
	counter(descPictures, failed, "failed")
	for kind, d := range n.dealer.Figures() {
		gauge(descPools, float64(d.Dealt), kind.String(), "dealt")
		gauge(descPools, float64(d.TooSmall), kind.String(), "too_small")
		gauge(descPools, float64(d.Due), kind.String(), "due")
		gauge(descPools, float64(d.Worn), kind.String(), "worn")
		gauge(descLifeLeft, d.LifeLeft, kind.String())
	}
	if n.cfg.Shared() {
		return // NATS and PostgreSQL have their disks elsewhere
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(n.cfg.Data, &fs); err == nil {
		gauge(descDiskFree, float64(fs.Bavail)*float64(fs.Bsize))
		gauge(descDiskSize, float64(fs.Blocks)*float64(fs.Bsize))
	}
	for database, file := range map[string]string{"archive": place.ArchiveFile, "collections": place.CollectionsFile} {
		size := int64(0) // there is none before the first write
		if info, err := os.Stat(filepath.Join(n.cfg.Data, file+"-wal")); err == nil {
			size = info.Size()
		}
		gauge(descWAL, float64(size), database)
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
