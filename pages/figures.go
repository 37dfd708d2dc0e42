package pages

import (
	"context"
	"io"
	"time"

	"ocapi/domain"
)

// DaysShown is how many days a page tells of, today included.
const DaysShown = 30

// Source tells the figures that pages show. Its methods are called from many
// goroutines at once. An error that is no [domain.Error] is internal: it is
// logged, and whoever asks learns nothing of it.
type Source interface {
	// Overview tells how the service is doing. It never fails: what cannot be told
	// is told as such.
	Overview(ctx context.Context) Overview
	// Client tells how a client's challenges are doing; the name may be an alias.
	// Errors: CodeNotFound, CodeUnavailable.
	Client(ctx context.Context, name string) (Client, error)
	// Collection tells what has become of a collection. Errors as of Client.
	Collection(ctx context.Context, id domain.CollectionID) (Collection, error)
	// Picture gives an image of a collection about which something is settled.
	// Errors as of Client.
	Picture(ctx context.Context, collection domain.CollectionID, image domain.ImageID) (domain.Picture, error)
	// Table writes the answers about a collection's images that are settled as CSV.
	// Nothing has been written when it fails. Errors as of Client.
	Table(ctx context.Context, collection domain.CollectionID, to io.Writer) error
}

// Day is what happened on one day (UTC).
type Day struct {
	Start time.Time
	// Of the challenges that were handed out on the day: what became of them, by
	// now. Those that are in none of the last three may still be answered.
	Issued, Validated, Rejected, Expired uint64
	Audio                                uint64 // of Issued, those with sound
	// Median is the time from a challenge to its answer; 0: nothing was answered.
	Median time.Duration
	Counts
}

// Counts are what leaves no event, on the day on which it happened.
type Counts struct {
	Checks       uint64 // look-ups of states by partners' servers that were answered
	ChecksPassed uint64 // of them, those that were told "validated"
	ChecksFailed uint64 // look-ups that were answered 503
	Failed       uint64 // browsers' requests that were answered 503
	Asked        uint64 // requests for a challenge that were asked for a proof of work first
	Limited      uint64 // such that were told to wait
}

// Answered counts the challenges that have a verdict.
func (d Day) Answered() uint64 { return d.Validated + d.Rejected }

// Open counts the challenges that may still be answered.
func (d Day) Open() uint64 { return d.Issued - d.Answered() - d.Expired }

// Client is how a client's challenges are doing.
type Client struct {
	ID       domain.ClientID
	Disabled bool
	Days     []Day // the last DaysShown, the oldest first, without holes
	Total    Day   // of them all
	// Missing says what cannot be told now, as one sentence; empty: nothing.
	Missing string
}

// Collection is what has become of a collection.
type Collection struct {
	ID            domain.CollectionID
	Title, Credit string
	Known         int // images with an answer on record
	Unknown       int // images without one
	Settled       int // questions that votes have settled
	Proven        int // of them, those that have been confirmed by so many answers since that they decide
	Disputed      int
	Unreadable    int
	Refuted       int // answers on record that good answers contradict
	// Of the settled ones, on average: the probability that one is right, as it was
	// decided, and the votes that it took. 0 where there is none.
	Probability, Votes float64
	Licences           []Licence
	Latest             []Annotation // the latest first
}

// Licence is how many images of a collection bear a licence.
type Licence struct {
	Name   string // empty: none is on record
	Images int
}

// Annotation is an answer that votes have settled.
type Annotation struct {
	Image       domain.ImageID
	Keyword     string // what the image was asked for; empty with texts
	Text        string // what it reads; empty with keywords
	Shows       bool   // whether it shows the keyword
	Probability float64
	Votes       int
	DecidedAt   time.Time
	// Where the image is from, as far as that is on record.
	ShelfMark, Page, Licence, Institution, Source string
}

// Overview is how the service is doing.
type Overview struct {
	Version  string
	Started  time.Time // of this node
	NotReady string    // why this node takes no requests; empty: it does
	Parts    []Part
	Days     []Day // of all clients, as of Client
	Total    Day
	Limiter  Limiter
	Exposure []Exposure
	Clients  []ClientLine
	// Collections are those that there are, the demonstration's among them.
	Collections []CollectionLine
}

// Part is one part of the service and its health.
type Part struct {
	Name  string
	Well  bool
	Says  string // one sentence
	Facts []Fact
}

// Fact is a figure with its name.
type Fact struct{ Name, Value string }

// Limiter is what the limiter does. Decisions are counted since the node's start.
type Limiter struct {
	Step                    int // the most work that is asked for now, from 1
	LeastFactor, MostFactor float64
	Decisions               []Decision
}

// Decision counts requests for a challenge by what was decided and whose limit
// decided it.
type Decision struct {
	Outcome, Scope string
	Requests       uint64
}

// Exposure is how evenly known and unknown images of a type are shown at present.
type Exposure struct {
	Type                     string
	Known, Unknown, Sentinel Spread
	AUC                      float64
	Told                     bool // there is something to compare, so AUC means something
}

// Spread is how often the images of one role were shown, each.
type Spread struct{ Images, Least, Mid, Most int }

// ClientLine is a client in a list.
type ClientLine struct {
	ID       domain.ClientID
	Disabled bool
	Today    Day
}

// CollectionLine is a collection in a list.
type CollectionLine struct {
	ID    domain.CollectionID
	Title string
}
