package command

import (
	"encoding/csv"
	"encoding/json"
	"io"
)

// RowsFlags says in which form figures are printed.
type RowsFlags struct {
	JSON bool `help:"Print JSON Lines, one object for each row." xor:"form"`
	CSV  bool `help:"Print CSV with a line of titles." xor:"form"`
}

// ForPeople tells whether neither a program nor a spreadsheet reads it.
func (o RowsFlags) ForPeople() bool { return !o.JSON && !o.CSV }

// PrintRows prints what programs read: fields gives a row's fields in the order
// of the titles.
func PrintRows[T any](o RowsFlags, to io.Writer, titles []string, rows []T, fields func(T) []string) error {
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
