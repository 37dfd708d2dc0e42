//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"ocapi/bench/figures"
	"ocapi/bench/machine"
	"ocapi/bench/part"
)

// report is all that a run found; -json writes it.
type report struct {
	Machine machine.Facts          `json:"machine"`
	Goals   []figures.Goal         `json:"goals"`
	Parts   map[string]part.Result `json:"parts"`

	order []string
}

// add measures a part. What it found is told when it failed, too; what it left in
// its folder goes unless it is to be kept.
func (r *report) add(ctx context.Context, p registered, with part.Run, folder string, keep bool) error {
	with.Folder = folderOf(folder, p)
	if err := os.MkdirAll(with.Folder, 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	found, err := p.measure(ctx, &with)
	if found != nil {
		if r.Parts == nil {
			r.Parts = map[string]part.Result{}
		}
		r.Parts[p.name] = found
		r.order = append(r.order, p.name)
		r.Goals = append(r.Goals, found.Goals()...)
	}
	if !keep {
		err = errors.Join(err, os.RemoveAll(with.Folder))
	}
	return err
}

// text is what is printed: the machine, what is to be reached, then the parts.
func (r *report) text(markdown bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.Machine)
	if len(r.Goals) > 0 {
		goals := figures.GoalTable(r.Goals, r.Machine.Commit)
		fmt.Fprintf(&b, "%s\n", goals.Text(markdown))
	}
	for _, name := range r.order {
		fmt.Fprintf(&b, "%s\n", r.Parts[name].Text(markdown))
	}
	return b.String()
}

func (r *report) writeJSON(file string) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(file, append(body, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
