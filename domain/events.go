package domain

import "time"

// The stored names of the events. They are written into every archived row and
// never change meaning; a new meaning gets a new version.
const (
	NameChallengeCreated  = "ChallengeCreated.v1"
	NameChallengeAnswered = "ChallengeAnswered.v1"
)

// Event is one thing that happened to one challenge, to one quarantine (see
// quarantine.go), to one annotation or to the model (see annotation.go). The set is closed: a new event needs a name above, Evolve, the
// codec with its schema, and the tables that show it. No event holds an address, a user agent or anything derived
// from them: what is never collected cannot leak.
type Event interface {
	// Head gives what all events share.
	Head() Header
	// Name gives the stored, versioned name.
	Name() string
}

// Header is what all events share.
type Header struct {
	ID        EventID
	Challenge ChallengeID // of an event about a quarantine, an annotation or the model: that one's id
	Client    ClientID
	At        time.Time // when it was decided; UTC, whole microseconds
}

// Head implements the first half of [Event] for every event that embeds Header.
func (h Header) Head() Header { return h }

// Truth is the answer on record for one image: nothing, whether it shows the
// keyword, or the text it bears. The zero value is "nothing on record".
type Truth struct {
	Kind  TruthKind
	Match bool   // with TruthMatch
	Text  string // with TruthText
}

// TruthKind says which field of a [Truth] counts.
type TruthKind uint8

// The kinds of truth.
const (
	TruthNone TruthKind = iota
	TruthMatch
	TruthText
)

// Position is one image of a challenge, in the order in which it is shown.
type Position struct {
	Image      ImageID
	Collection CollectionID
	Rendering  uint32 // which of the image's renderings was shown
	Role       Role
	Expected   Truth
	Trust      Trust
	Prior      float64 // probability of the machine's guess, 0 where there is none
}

// Mix counts the slots of a challenge by what they hold.
type Mix struct {
	Matches    uint8 // known images that show the keyword (classification)
	NonMatches uint8 // known images that do not (classification)
	Texts      uint8 // known images with a text (transcription)
	Unknown    uint8 // votes, sentinels among them
}

// ChallengeCreated says that a challenge was handed out. It is self-contained:
// the answer can be judged from it alone, on any node, years later.
type ChallengeCreated struct {
	Header
	Type        ChallengeType
	Keyword     string // what the images are asked for (classification)
	Credit      string // the institution-level line shown before the verdict
	Positions   []Position
	WhollyKnown bool // every position counts
	Mix         Mix
	ExpiresAt   time.Time // UTC, whole microseconds
	Generation  uint64    // the plan that its images were dealt by; 0 where there was none
	Language    string    // of what is said (audio), a BCP 47 tag; empty with images
}

// Name implements [Event].
func (*ChallengeCreated) Name() string { return NameChallengeCreated }

// ChallengeAnswered says what a visitor answered, to the letter, and what the
// verdict was.
type ChallengeAnswered struct {
	Header
	Answer  Answer
	Verdict Status // StatusValidated or StatusRejected
}

// Name implements [Event].
func (*ChallengeAnswered) Name() string { return NameChallengeAnswered }

var (
	_ Event = (*ChallengeCreated)(nil)
	_ Event = (*ChallengeAnswered)(nil)
)

// Moment brings a time to the form that events keep: UTC and whole
// microseconds, so that what is stored and read back compares equal.
func Moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
