package program

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/corpus"
	"ocapi/domain"
	"ocapi/simulation"
)

// simulateCmd plays the attacker, in process on a virtual clock or against a
// running service.
type simulateCmd struct {
	Type       string  `help:"The type of challenge: ${enum}." enum:"transcription,classification" default:"transcription"`
	Known      int     `help:"Known images. Without it 1000 texts or 2500 pictures."`
	Unknown    int     `help:"Unknown images." default:"1000000"`
	Challenges []int   `help:"Measure after so many challenges." default:"500,2000,5000,20000" placeholder:"N,…"`
	Nodes      int     `help:"Nodes that deal." default:"1"`
	Restarts   int     `help:"How often a node is started anew during a run."`
	Promotions float64 `help:"Unknown images that become known, for each challenge that is handed out; 0.02 is one in fifty challenges."`
	Share      float64 `help:"The attacker's share of all challenges, above 0 to 1." default:"1"`
	PerSecond  float64 `help:"Challenges that are handed out in a second, to all together." default:"50"`
	Runs       int     `help:"Worlds to average over." default:"8"`
	Seed       uint64  `help:"The same seed gives the same output." default:"1"`

	JSON bool   `help:"Print JSON."`
	SVG  string `help:"Draw the AUC by the number of challenges into this file." placeholder:"FILE"`

	liveFlags
}

// Help explains what is printed.
func (simulateCmd) Help() string {
	return `Somebody takes many challenges, recognises every image, and tries to tell which of them decide. Known
is what the verdict depends on. The same attackers look at the service's own selection and at a naive
one, which draws every image independently. The exit code is 1 when a bar is broken: an AUC further than
0.05 from 0.5, half the work passing 5 points more or less than chance predicts, a blind guess passing
more than one time in fifty. With --url challenges are taken from a running service, over HTTP; which images
were shown, and which of them decide, is read from its archive. docs/security.md says what the figures mean.`
}

// Run simulates and prints the report.
func (c simulateCmd) Run(env *command.Environment) error {
	params, err := c.params()
	if err != nil {
		return err
	}
	m := console.NewMeter(env.Stderr, time.Now)
	m.Noun = "challenges"
	var report *simulation.Report
	if c.URL != "" {
		report, err = c.live(env, params, m)
	} else {
		report, err = simulation.Run(env.Context, params, func(done, total int) { m.Show(corpus.Progress{Done: done, Total: total}) })
	}
	m.Clear()
	if err != nil {
		return err
	}
	if c.SVG != "" {
		if err := writeFile(c.path(env), report.WriteSVG); err != nil {
			return fmt.Errorf("draw the plot: %w", err)
		}
	}
	write := report.WriteText
	if c.JSON {
		write = report.WriteJSON
	}
	if err := write(env.Stdout); err != nil {
		return err
	}
	if len(report.Broken) > 0 {
		return command.ErrSilent
	}
	return nil
}

func (c simulateCmd) params() (simulation.Params, error) {
	t := domain.TypeTranscription
	if c.Type == domain.TypeClassification.String() {
		t = domain.TypeClassification
	}
	p := simulation.DefaultParams(t)
	if c.Known != 0 {
		p.Known = c.Known
	}
	p.Unknown, p.Challenges, p.Nodes, p.Restarts = c.Unknown, c.Challenges, c.Nodes, c.Restarts
	p.Promotions, p.Share, p.PerSecond, p.Runs, p.Seed = c.Promotions, c.Share, c.PerSecond, c.Runs, c.Seed
	return p, p.Validate()
}

func (c simulateCmd) path(env *command.Environment) string {
	if filepath.IsAbs(c.SVG) {
		return c.SVG
	}
	return filepath.Join(env.Dir, c.SVG)
}

// writeFile makes a file of what is written; of one that could not be written
// whole nothing is left.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
