package stats

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"ocapi/command"
	"ocapi/command/console"
	"ocapi/domain"
	"ocapi/place"
	"ocapi/projections"
)

type statsImagesCmd struct {
	Image      string `help:"Only this image."`
	Collection string `help:"Only images of this collection."`
	Keyword    string `help:"Only what was shown under this keyword."`
	Limit      int    `help:"Print so many images at most, those shown most often; 0: all. Default: 20 for people, all for programs." default:"-1"`
	command.RowsFlags
	command.AsOfFlag
	place.Flags
}

// imageLine is an image as programs read it.
type imageLine struct {
	Image      domain.ImageID      `json:"image_id"`
	Collection domain.CollectionID `json:"collection"`
	Type       string              `json:"type"`
	Known      uint64              `json:"known"`
	Unknown    uint64              `json:"unknown"`
	Sentinel   uint64              `json:"sentinel"`
	Exposures  uint64              `json:"exposures"`
	PerHour    float64             `json:"per_hour"`
	First      string              `json:"first_shown"`
	Last       string              `json:"last_shown"`
}

// Run prints how often images were shown.
func (c *statsImagesCmd) Run(env *command.Environment) error {
	if c.Limit < -1 {
		return fmt.Errorf("--limit: %d is not a number of images", c.Limit)
	}
	return withFrequency(env, c.Flags, c.AsOfFlag, func(f *projections.Frequency, now time.Time) error {
		images, err := c.choose(f, now)
		if err != nil {
			return err
		}
		shown := images
		limit := c.Limit
		if limit < 0 && c.ForPeople() {
			const few = 20
			limit = few
		}
		if limit > 0 {
			shown = images[:min(limit, len(images))]
		}
		if c.ForPeople() {
			return c.print(env.Stdout, f, now, shown, len(images))
		}
		lines := make([]imageLine, len(shown))
		for i, im := range shown {
			lines[i] = imageLine{
				Image: im.Image, Collection: im.Collection, Type: im.Type.String(),
				Known: im.Counts.Known, Unknown: im.Counts.Unknown, Sentinel: im.Counts.Sentinel, Exposures: im.Counts.All(),
				PerHour: math.Round(im.PerHour*1000) / 1000, First: console.Stamp(im.First), Last: console.Stamp(im.Last),
			}
		}
		titles := []string{"image_id", "collection", "type", "known", "unknown", "sentinel", "exposures", "per_hour", "first_shown", "last_shown"}
		return command.PrintRows(c.RowsFlags, env.Stdout, titles, lines, func(l imageLine) []string {
			number := func(n uint64) string { return strconv.FormatUint(n, 10) }
			return []string{
				string(l.Image), string(l.Collection), l.Type, number(l.Known), number(l.Unknown), number(l.Sentinel), number(l.Exposures),
				strconv.FormatFloat(l.PerHour, 'g', -1, 64), l.First, l.Last,
			}
		})
	})
}

// choose gives the images that were asked for, those shown most often first.
func (c *statsImagesCmd) choose(f *projections.Frequency, now time.Time) ([]projections.ImageFrequency, error) {
	q := projections.ImageQuery{Image: domain.ImageID(c.Image), Collection: domain.CollectionID(c.Collection), Keyword: c.Keyword}
	var images []projections.ImageFrequency
	f.Images(q, now, func(im projections.ImageFrequency) bool {
		images = append(images, im)
		return true
	})
	slices.SortFunc(images, func(a, b projections.ImageFrequency) int {
		return cmp.Or(cmp.Compare(b.Counts.All(), a.Counts.All()), cmp.Compare(a.Image, b.Image))
	})
	if len(images) > 0 || f.Totals().Images == 0 {
		return images, nil
	}
	return nil, c.explain(f)
}

// explain says which filter leaves nothing.
func (c *statsImagesCmd) explain(f *projections.Frequency) error {
	some := func(q projections.ImageQuery) bool {
		found := false
		f.Images(q, time.Time{}, func(projections.ImageFrequency) bool {
			found = true
			return false
		})
		return found
	}
	switch {
	case c.Image != "" && !some(projections.ImageQuery{Image: domain.ImageID(c.Image)}):
		return fmt.Errorf("--image: no image %q was ever shown", c.Image)
	case c.Collection != "" && !some(projections.ImageQuery{Collection: domain.CollectionID(c.Collection)}):
		return fmt.Errorf("--collection: no image of a collection %q was ever shown; see: ocapi corpus list", c.Collection)
	case c.Keyword != "" && !some(projections.ImageQuery{Keyword: c.Keyword}):
		return fmt.Errorf("--keyword: no image was ever shown under a keyword %q", c.Keyword)
	}
	return errors.New("no image fits all that was asked for")
}

func (c *statsImagesCmd) print(to io.Writer, f *projections.Frequency, now time.Time, images []projections.ImageFrequency, of int) error {
	totals := f.Totals()
	if totals.Images == 0 {
		_, err := fmt.Fprintln(to, noChallenges)
		return err
	}
	exposures, active := uint64(0), 0
	for kind, counts := range totals.Exposures {
		exposures += counts.All()
		active += totals.ActiveImages[kind]
	}
	fmt.Fprintf(to, "%s shown %s times, up to event %s (%s); %s of them in its last hour.\n\n", //nolint:errcheck // the table's error tells
		console.Counted(totals.Images, "image"), console.Grouped(int(exposures)), console.Grouped(int(totals.Position.Seq)), console.Since(now, totals.Clock), console.Grouped(active))
	if c.Image == "" && c.Collection == "" && c.Keyword == "" {
		if err := printEvenness(to, f.Evenness()); err != nil {
			return err
		}
	}
	columns := []console.Column{
		{Title: "IMAGE", Least: 16}, {Title: "COLLECTION", Least: 6}, {Title: "TYPE"}, {Title: "KNOWN", Right: true}, {Title: "UNKNOWN", Right: true},
		{Title: "SENT.", Right: true}, {Title: "/HOUR", Right: true}, {Title: "FIRST", Right: true}, {Title: "LAST", Right: true},
	}
	rows := make([][]string, len(images))
	for i, im := range images {
		rows[i] = []string{
			string(im.Image), string(im.Collection), shortType(im.Type), console.Grouped(int(im.Counts.Known)), console.Grouped(int(im.Counts.Unknown)),
			console.Grouped(int(im.Counts.Sentinel)), console.Hourly(im.PerHour), console.Ago(now, im.First), console.Ago(now, im.Last),
		}
	}
	if err := console.PrintTable(to, console.WidthOf(to)(), columns, rows); err != nil {
		return err
	}
	if of > len(images) {
		_, err := fmt.Fprintf(to, "… and %s more; --limit 0 prints all.\n", console.Grouped(of-len(images)))
		return err
	}
	return nil
}

// evenEnough is how far an AUC may be from one half: what a patient counter may
// gain at most (docs/security.md).
const evenEnough = 0.05

// printEvenness prints what a visitor learns who counts.
func printEvenness(to io.Writer, list []projections.Evenness) error {
	for _, e := range list {
		var rows [][]string
		for _, role := range []struct {
			role domain.Role
			of   projections.Spread
		}{{domain.RoleKnown, e.Known}, {domain.RoleUnknown, e.Unknown}, {domain.RoleSentinel, e.Sentinel}} {
			if role.of.Images > 0 {
				rows = append(rows, []string{role.role.String(), console.Grouped(role.of.Images), console.Grouped(role.of.Least), console.Grouped(role.of.Mid), console.Grouped(role.of.Most)})
			}
		}
		fmt.Fprintf(to, "%s, exposures in what is dealt at present:\n", e.Type) //nolint:errcheck // the table's error tells
		err := console.PrintTable(to, 0, []console.Column{
			{Title: "  ROLE"}, {Title: "IMAGES", Right: true}, {Title: "LEAST", Right: true}, {Title: "MEDIAN", Right: true}, {Title: "MOST", Right: true},
		}, indented(rows))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(to, "%s\n\n", verdictOn(e)); err != nil {
			return err
		}
	}
	return nil
}

func indented(rows [][]string) [][]string {
	for _, row := range rows {
		row[0] = "  " + row[0]
	}
	return rows
}

// verdictOn says what an AUC means.
func verdictOn(e projections.Evenness) string {
	if e.Pairs == 0 {
		return "  AUC -: there are not both known and unknown images."
	}
	better := max(e.AUC, 1-e.AUC)
	if better <= 0.5+evenEnough {
		return fmt.Sprintf("  AUC %.3f: counting tells known from unknown hardly better than a coin.", e.AUC)
	}
	return fmt.Sprintf("  AUC %.3f: counting tells known from unknown in %.0f of 100 pairs.", e.AUC, 100*better)
}

// shortType names a type in a narrow column.
func shortType(t domain.ChallengeType) string {
	switch t {
	case domain.TypeTranscription:
		return "text"
	case domain.TypeClassification:
		return "pict"
	case domain.TypeAudio, domain.TypeInvalid:
	}
	return t.String()
}
