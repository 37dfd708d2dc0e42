package replay

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"

	"ocapi/consensus"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/replay"
)

// consensusRow is what votes on one image and keyword add up to, as analysts
// read it. Names and order are the columns of all formats.
type consensusRow struct {
	Collection          string    `json:"collection" parquet:"collection,dict"`
	Image               string    `json:"image_id" parquet:"image_id"`
	Keyword             string    `json:"keyword,omitempty" parquet:"keyword,dict,optional"`
	Type                string    `json:"type" parquet:"type,dict"`
	Status              string    `json:"status" parquet:"status,dict"`
	Annotation          string    `json:"annotation" parquet:"annotation,optional"` // of pictures: true or false
	Probability         float64   `json:"probability" parquet:"probability"`
	RunnerUp            string    `json:"runner_up,omitempty" parquet:"runner_up,optional"`
	RunnerUpProbability float64   `json:"runner_up_probability" parquet:"runner_up_probability"`
	Unreadable          float64   `json:"unreadable_probability" parquet:"unreadable_probability"`
	Votes               int64     `json:"votes" parquet:"votes"`
	Perfect             int64     `json:"perfect_votes" parquet:"perfect_votes"`
	Form                string    `json:"form,omitempty" parquet:"form,dict,optional"` // of texts: typed or merged
	Method              string    `json:"method" parquet:"method,dict"`
	Model               string    `json:"model" parquet:"model,dict"` // version; 0: the program's own; fit: of this replay
	First               time.Time `json:"first_vote" parquet:"first_vote,timestamp(microsecond)"`
	Last                time.Time `json:"last_vote" parquet:"last_vote,timestamp(microsecond)"`
	OnRecord            string    `json:"on_record,omitempty" parquet:"on_record,optional"`
	Source              string    `json:"source,omitempty" parquet:"source,optional"`
	ShelfMark           string    `json:"shelfmark,omitempty" parquet:"shelfmark,dict,optional"`
	Page                string    `json:"page,omitempty" parquet:"page,optional"`
	Licence             string    `json:"licence,omitempty" parquet:"licence,dict,optional"`
	Credit              string    `json:"credit,omitempty" parquet:"credit,dict,optional"`
}

var consensusColumns = []string{
	"collection", "image_id", "keyword", "type", "status", "annotation", "probability", "runner_up", "runner_up_probability", "unreadable_probability",
	"votes", "perfect_votes", "form", "method", "model", "first_vote", "last_vote", "on_record", "source", "shelfmark", "page", "licence", "credit",
}

// csvRow makes the fields of rows, in memory that it uses again.
type csvRow struct {
	fields []string
	text   []byte
}

// of gives a row's fields, until the next call.
func (c *csvRow) of(r *consensusRow) []string {
	c.text = c.text[:0]
	var ends [7]int
	n := 0
	end := func(text []byte) {
		c.text, ends[n] = text, len(text)
		n++
	}
	for _, p := range [...]float64{r.Probability, r.RunnerUpProbability, r.Unreadable} {
		end(strconv.AppendFloat(c.text, p, 'f', -1, 64))
	}
	for _, votes := range [...]int64{r.Votes, r.Perfect} {
		end(strconv.AppendInt(c.text, votes, 10))
	}
	for _, at := range [...]time.Time{r.First, r.Last} {
		end(appendMicros(c.text, at))
	}
	all := string(c.text)
	part := func(i int) string {
		if i == 0 {
			return all[:ends[0]]
		}
		return all[ends[i-1]:ends[i]]
	}
	c.fields = append(c.fields[:0],
		r.Collection, r.Image, r.Keyword, r.Type, r.Status, r.Annotation, part(0), r.RunnerUp, part(1), part(2),
		part(3), part(4), r.Form, r.Method, r.Model, part(5), part(6), r.OnRecord,
		r.Source, r.ShelfMark, r.Page, r.Licence, r.Credit,
	)
	return c.fields
}

// appendMicros appends a moment in UTC as 2006-01-02T15:04:05.000000Z: what
// package time writes without a fraction it writes four times as fast.
func appendMicros(b []byte, at time.Time) []byte {
	b = at.UTC().AppendFormat(b, time.RFC3339)
	micros := strconv.Itoa(1e6 + at.Nanosecond()/1e3)
	return append(append(append(b[:len(b)-1], '.'), micros[1:]...), 'Z')
}

// believer turns what was counted into rows.
type believer struct {
	model  *consensus.Model
	method consensus.Method
	fitted bool
	rules  consensus.Rules
}

// row gives what is believed of one item.
func (b *believer) row(it *replay.Item, e *corpus.Entry) (consensusRow, error) {
	transcription := it.Type == domain.TypeTranscription
	onRecord := it.Truth.Kind != domain.TruthNone
	prior := it.Prior()
	if e != nil && e.Guess != "" && !onRecord && transcription && b.method == consensus.MethodTwoAndAHalf {
		// The service does not decide by it; the old rule is nothing without it.
		prior = consensus.Prior{Guess: domain.Truth{Kind: domain.TruthText, Text: e.Guess}, Probability: it.Guess}
	}
	belief, err := b.model.BeliefBy(b.method, it.Question, &it.Tally, prior)
	if err != nil {
		return consensusRow{}, err
	}
	row := consensusRow{
		Collection: string(it.Collection), Image: string(it.Image), Keyword: it.Keyword, Type: it.Type.String(),
		Status: b.status(it, &belief, onRecord).String(), Annotation: inWords(belief.Truth), Probability: millionths(belief.Probability),
		RunnerUp: inWords(belief.RunnerUp), RunnerUpProbability: millionths(belief.RunnerUpProbability), Unreadable: millionths(belief.Unreadable),
		Votes: int64(belief.Votes), Perfect: int64(belief.Perfect), Method: b.method.String(), Model: strconv.FormatUint(b.model.Version, 10),
		First: it.First(), Last: it.Last(),
	}
	if b.fitted {
		row.Model = "fit"
	}
	if transcription && belief.Truth.Kind == domain.TruthText {
		if row.Form = "typed"; belief.Merged {
			row.Form = "merged"
		}
	}
	if onRecord {
		row.OnRecord = inWords(it.Truth)
	}
	if e != nil {
		row.Source, row.ShelfMark, row.Page, row.Licence, row.Credit = e.Source, e.ShelfMark, e.Page, e.Licence, e.Institution
	}
	return row, nil
}

// status gives what the rules say of votes that are looked at all at once: a
// running service that was nearly as sure before may say otherwise.
func (b *believer) status(it *replay.Item, belief *consensus.Belief, onRecord bool) domain.QuestionStatus {
	status := b.rules.Of(domain.QuestionOpen, belief, 0, it.Type == domain.TypeTranscription)
	if b.method == consensus.MethodTwoAndAHalf { // which has a rule of its own
		switch {
		case belief.Settled:
			status = domain.QuestionSettled
		case status == domain.QuestionSettled:
			status = domain.QuestionOpen
		}
	}
	if !onRecord {
		return status
	}
	standing := 0.0
	switch {
	case sameAnswer(it.Truth, belief.Truth):
		standing = belief.Probability
	case sameAnswer(it.Truth, belief.RunnerUp):
		standing = belief.RunnerUpProbability
	}
	if status == domain.QuestionSettled && !sameAnswer(it.Truth, belief.Truth) || standing < b.rules.Withdraw && belief.Votes >= b.rules.LeastVotes {
		return domain.QuestionRefuted
	}
	// What is on record stands, and needs no more votes: it is as sure as it is
	// likely. Where an image is the only known one of its challenges, as texts
	// mostly are, none of its votes is a perfect one, which says nothing against it.
	if status == domain.QuestionDisputed {
		status = domain.QuestionOpen
	}
	if status == domain.QuestionOpen && b.sure(it, belief) {
		return domain.QuestionSettled
	}
	return status
}

// sure reports whether a belief is as likely as one that is accepted.
func (b *believer) sure(it *replay.Item, belief *consensus.Belief) bool {
	least := b.rules.SettleLabel
	if it.Type == domain.TypeTranscription {
		least = b.rules.SettleText
	}
	return belief.Votes >= b.rules.LeastVotes && belief.Probability >= least
}

// sameAnswer reports whether two answers are judged to be the same.
func sameAnswer(a, b domain.Truth) bool {
	return a.Kind == b.Kind && a.Match == b.Match && domain.Fold(a.Text) == domain.Fold(b.Text)
}

// inWords writes an answer.
func inWords(t domain.Truth) string {
	switch t.Kind {
	case domain.TruthMatch:
		return strconv.FormatBool(t.Match)
	case domain.TruthText:
		return t.Text
	case domain.TruthNone:
	}
	return ""
}

// millionths rounds a probability to a millionth; what is not certain is not shown as
// certain.
func millionths(p float64) float64 {
	const parts = 1e6
	rounded := math.Round(p*parts) / parts
	if rounded == 1 && p < 1 {
		return 1 - 1/parts
	}
	return rounded
}

// originsPage is how many images are looked up at once.
const originsPage = 1000

// writeRows writes a row for each item.
func writeRows(ctx context.Context, items iter.Seq[*replay.Item], b believer, o *origins, w rowWriter) (rows int, err error) {
	page := make([]*replay.Item, 0, originsPage)
	flush := func() error {
		entries, err := o.entries(ctx, page)
		if err != nil {
			return err
		}
		for _, it := range page {
			var entry *corpus.Entry
			if e, ok := entries[it.Image]; ok {
				entry = &e
			}
			row, err := b.row(it, entry)
			if err != nil {
				return err
			}
			if row.Credit == "" {
				row.Credit = o.credit[it.Collection]
			}
			if err := w.write(&row); err != nil {
				return err
			}
			rows++
		}
		page = page[:0]
		return nil
	}
	for it := range items {
		if page = append(page, it); len(page) == originsPage {
			if err := flush(); err != nil {
				return rows, err
			}
		}
	}
	if err := flush(); err != nil {
		return rows, err
	}
	return rows, w.close()
}

// rowWriter writes rows in one format.
type rowWriter struct {
	write func(*consensusRow) error
	close func() error // what was written is whole then
}

// rowBytes are written to a file at once.
const rowBytes = 64 << 10

func newRowWriter(format string, out io.Writer) rowWriter {
	buffered := bufio.NewWriterSize(out, rowBytes)
	switch format {
	case "csv":
		w := csv.NewWriter(buffered)
		var row csvRow
		headed := w.Write(consensusColumns)
		return rowWriter{
			write: func(r *consensusRow) error {
				if headed != nil {
					return headed
				}
				return w.Write(row.of(r))
			},
			close: func() error {
				w.Flush()
				if err := w.Error(); err != nil {
					return err
				}
				return buffered.Flush()
			},
		}
	case "parquet":
		// A group of rows is held in memory before it is written.
		const group = 1 << 16
		w := parquet.NewGenericWriter[consensusRow](buffered, parquet.MaxRowsPerRowGroup(group), parquet.Compression(&parquet.Zstd),
			parquet.CreatedBy("ocapi", "1", "")) // no build: the same rows give the same bytes
		return rowWriter{
			write: func(r *consensusRow) error {
				_, err := w.Write([]consensusRow{*r})
				return err
			},
			close: func() error {
				if err := w.Close(); err != nil {
					return err
				}
				return buffered.Flush()
			},
		}
	}
	e := json.NewEncoder(buffered)
	e.SetEscapeHTML(false)
	return rowWriter{write: func(r *consensusRow) error { return e.Encode(r) }, close: buffered.Flush}
}
