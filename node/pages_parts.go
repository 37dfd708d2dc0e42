package node

import (
	"context"
	"fmt"

	"ocapi/command/console"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/node/statistics"
	"ocapi/pages"
)

// manyEvents is how far something may be behind the log before it is said.
const manyEvents = 10_000

// parts tells how the parts of a node are doing.
func (f *pageFigures) parts(ctx context.Context) []pages.Part {
	n := f.n
	log, last := f.logPart(ctx)
	parts := []pages.Part{log, f.archivePart(last), keeperPart("Statistics", n.stats.Keeper, last), keeperPart("Daily figures", n.daily.Keeper, last)}
	if n.annotate != nil {
		parts = append(parts, f.votesPart())
	}
	return append(parts, f.challengesPart())
}

func (f *pageFigures) logPart(ctx context.Context) (pages.Part, eventstore.Sequence) {
	n := f.n
	p := pages.Part{Name: "Event log", Well: true, Says: "it takes events."}
	extent, err := n.log.Extent(ctx)
	switch {
	case err != nil:
		p.Well, p.Says = false, "it does not answer: "+console.Plainly(err)+"."
		return p, n.log.Seen()
	case n.log.Behind():
		p.Well, p.Says = false, "it has lost its end; stop all nodes and run: ocapi archive adopt-stream."
	case extent.Deleted > 0:
		p.Well, p.Says = false, console.Counted(extent.Deleted, "event")+" in it cannot be read."
	case extent.Bytes > n.cfg.LogMaxBytes/10*9:
		p.Well, p.Says = false, "it is full: no challenges are handed out until it has been archived."
	}
	held := 0
	if extent.Last >= extent.First {
		held = int(extent.Last - extent.First + 1)
	}
	p.Facts = []pages.Fact{
		{Name: "Last event", Value: console.Grouped(int(extent.Last))},
		{Name: "Events held", Value: console.Grouped(held)},
		{Name: "Room taken", Value: fmt.Sprintf("%.1f of %.0f MB", float64(extent.Bytes)/1e6, float64(n.cfg.LogMaxBytes)/1e6)},
	}
	if n.cluster != nil {
		p.Facts = append(p.Facts, pages.Fact{Name: "NATS server", Value: n.cluster.ConnectedServerName()},
			pages.Fact{Name: "NATS servers known", Value: console.Grouped(len(n.cluster.Servers()))})
	} else {
		p.Facts = append(p.Facts, pages.Fact{Name: "NATS", Value: "embedded"})
	}
	return p, extent.Last
}

func (f *pageFigures) archivePart(last eventstore.Sequence) pages.Part {
	n := f.n
	p := pages.Part{Name: "Archive", Well: true, Says: "this node archives."}
	at := n.archiver.Position().Seq
	_, err := n.archiver.Failure()
	switch {
	case err != nil:
		p.Well, p.Says = false, "archiving has stopped: "+console.Plainly(err)+"."
	case !n.archiver.Active():
		p.Says = "another node archives."
		return p // and this one does not know how far
	}
	p.Facts = []pages.Fact{{Name: "Last event", Value: console.Grouped(int(at))}, {Name: "Behind", Value: behind(at, last)}}
	return p
}

// behind tells how much is missing.
func behind(at, last eventstore.Sequence) string {
	return console.Counted(int(max(last, at)-at), "event")
}

func keeperPart(name string, k *statistics.Keeper, last eventstore.Sequence) pages.Part {
	p := pages.Part{Name: name, Well: true, Says: "they are up to date."}
	at := k.Next() - 1
	switch {
	case !k.UpToDate():
		p.Says = "they are being made from the archive; figures are not complete yet."
	case max(last, at)-at > manyEvents:
		p.Well, p.Says = false, "they are far behind."
	}
	p.Facts = []pages.Fact{{Name: "Behind", Value: behind(at, last)}}
	return p
}

func (f *pageFigures) votesPart() pages.Part {
	n := f.n
	p := pages.Part{Name: "Votes", Well: true, Says: "they are counted here."}
	if !n.archiver.Active() {
		p.Says = "another node counts them."
		return p
	}
	figures := n.annotate.Figures()
	at := n.archiver.Position().Seq
	if max(at, figures.Seq)-figures.Seq > manyEvents {
		p.Well, p.Says = false, "their count is far behind the archive."
	}
	p.Facts = []pages.Fact{{Name: "Behind the archive", Value: behind(figures.Seq, at)}}
	for s := domain.QuestionOpen; s <= domain.QuestionRefuted; s++ {
		p.Facts = append(p.Facts, pages.Fact{Name: "Questions " + s.String(), Value: console.Grouped(figures.Questions[s])})
	}
	return p
}

func (f *pageFigures) challengesPart() pages.Part {
	n := f.n
	p := pages.Part{Name: "Challenges", Well: true}
	types, err := n.dealer.Servable(&domain.Client{})
	switch refused := n.dealer.Refused(&domain.Client{}); {
	case err != nil:
		p.Well, p.Says = false, "what can be served is not known: "+console.Plainly(err)+"."
	case len(types) == 0 && len(refused) > 0:
		p.Well, p.Says = false, "none can be served: the collections have too few images to hide which are known."
	case len(types) == 0:
		p.Well, p.Says = false, "none can be served: there is no collection with enough images."
	case len(refused) > 0:
		p.Well, p.Says = false, "some types are not served: the collections have too few images to hide which are known."
	default:
		p.Says = "they are served."
	}
	for _, t := range types {
		p.Facts = append(p.Facts, pages.Fact{Name: t.String(), Value: "served"})
	}
	p.Facts = append(p.Facts, pages.Fact{Name: "Remembered", Value: console.Grouped(n.memory.Len())})
	return p
}
