package rate

import "github.com/prometheus/client_golang/prometheus"

// Register shows the gate's decisions and the limiter's state. The number of
// series is fixed; none names a client.
func (g *Gate) Register(registerer prometheus.Registerer) error {
	c := &collector{
		gate: g,
		decisions: prometheus.NewDesc("ocapi_limiter_decisions_total",
			"Requests for a challenge, by what was decided and whose limit decided it.", []string{"outcome", "scope"}, nil),
		step: prometheus.NewDesc("ocapi_limiter_work_step",
			"The most work that is asked for now, from 1 to 6; each step is twice the one before.", nil, nil),
		factor: prometheus.NewDesc("ocapi_limiter_factor",
			"What the statistics leave of the free limits: the least and the most of all clients and the total.", []string{"bound"}, nil),
	}
	return registerer.Register(c)
}

type collector struct {
	gate                    *Gate
	decisions, step, factor *prometheus.Desc
}

var _ prometheus.Collector = (*collector)(nil)

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.decisions, c.step, c.factor} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	for o := OutcomeInvalid + 1; o < outcomeCount; o++ {
		for s := ScopeInvalid + 1; s < scopeCount; s++ {
			out <- prometheus.MustNewConstMetric(c.decisions, prometheus.CounterValue, float64(c.gate.decisions[o][s].Load()), o.String(), s.String())
		}
	}
	e := c.gate.limiter.Extremes(c.gate.now())
	out <- prometheus.MustNewConstMetric(c.step, prometheus.GaugeValue, float64(e.Step))
	out <- prometheus.MustNewConstMetric(c.factor, prometheus.GaugeValue, e.LeastFactor, "least")
	out <- prometheus.MustNewConstMetric(c.factor, prometheus.GaugeValue, e.MostFactor, "most")
}
