package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"ocapi/projections"
)

type statsCmd struct {
	Images  statsImagesCmd  `cmd:"" help:"Tell how often images were shown, and whether counting them tells known from unknown."`
	Clients statsClientsCmd `cmd:"" help:"Tell what became of each client's challenges."`
}

// statsOutput says in which form figures are printed.
type statsOutput struct {
	JSON bool `help:"Print JSON Lines, one object for each row." xor:"form"`
	CSV  bool `help:"Print CSV with a line of titles." xor:"form"`
}

// forPeople tells whether neither a program nor a spreadsheet reads it.
func (o statsOutput) forPeople() bool { return !o.JSON && !o.CSV }

// printRows prints what programs read: records gives a row's fields in the order
// of the titles.
func printRows[T any](o statsOutput, to io.Writer, titles []string, rows []T, fields func(T) []string) error {
	if o.JSON {
		e := json.NewEncoder(to)
		for _, row := range rows {
			if err := e.Encode(row); err != nil {
				return err
			}
		}
		return nil
	}
	w := csv.NewWriter(to)
	if err := w.Write(titles); err != nil {
		return err
	}
	for _, row := range rows {
		if err := w.Write(fields(row)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// withFrequency runs do on the statistics of all that is archived, as they were
// when the flag says, with the moment that they are looked at from. It reads
// beside a running service.
func withFrequency(env *environment, p place, asOf asOfFlag, do func(f *projections.Frequency, now time.Time) error) (err error) {
	s, err := openForReading(env.ctx, p, archiveFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	now := env.clock()()
	known, err := asOf.point(env.ctx, s.archive, now)
	if err != nil {
		return err
	}
	f, err := readFrequency(env, s.archive, known)
	if err != nil {
		return fmt.Errorf("read the statistics: %w", err)
	}
	return do(f, known.now(now, f.Totals().Clock))
}

// noChallenges is what people are told of an empty archive.
const noChallenges = "No challenge has been archived yet."

// stamp writes a moment for programs.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
