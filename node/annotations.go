package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"ocapi/consensus"
	"ocapi/domain"
	"ocapi/node/annotation"
)

// New makes what counts the votes; nil where the operator wants none.
func (n *node) newAnnotator() *annotation.Annotator {
	if !n.cfg.Consensus {
		return nil
	}
	rules, err := consensus.RulesFor(n.cfg.ConsensusErrorRate)
	if err != nil {
		panic("serve: a setting that was validated is refused: " + err.Error()) // ours
	}
	return annotation.New(annotation.Params{
		Archive: n.stores.Archive, Recent: n.memory, Log: n.log, Archiver: n.archiver, Corpus: n.stores.Corpus, Rules: rules, Logger: n.logger, Now: n.env.Clock(),
	})
}

// registerAnnotations shows what is counted. All have a fixed number of series,
// and are 0 on a node that does not archive.
func registerAnnotations(n *node) {
	a := n.annotate
	if a == nil {
		return
	}
	for s := domain.QuestionOpen; s <= domain.QuestionRefuted; s++ {
		n.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ocapi_questions", Help: "Questions that visitors have answered, by how far they have come, where this node archives.",
			ConstLabels: prometheus.Labels{"status": s.String()},
		}, func() float64 {
			return a.Figure(func(f *annotation.Figures) float64 { return float64(f.Questions[s]) })
		}))
	}
	for _, what := range annotation.DecisionNames {
		n.metrics.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "ocapi_consensus_decisions_total", Help: "Decisions that this node has taken by the votes.",
			ConstLabels: prometheus.Labels{"decision": what},
		}, func() float64 {
			return a.Figure(func(f *annotation.Figures) float64 { return float64(f.Decisions[what]) })
		}))
	}
	gauge := func(name, help string, read func(f *annotation.Figures) float64) {
		n.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return a.Figure(read) }))
	}
	gauge("ocapi_consensus_event", "Sequence of the last event whose votes are counted, where this node archives.", func(f *annotation.Figures) float64 { return float64(f.Seq) })
	gauge("ocapi_consensus_model", "Version of the model that votes are weighed by, where this node archives.", func(f *annotation.Figures) float64 { return float64(f.Model) })
	gauge("ocapi_consensus_bytes", "Memory that the counted votes take.", func(f *annotation.Figures) float64 { return float64(f.Bytes) })
}
