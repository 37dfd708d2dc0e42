package stats

import (
	"fmt"
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

type statsClientsCmd struct {
	Client string `help:"Only this client, by the id that it was created with; with a row for each type of challenge."`
	command.RowsFlags
	command.AsOfFlag
	place.Flags
}

// clientLine is what became of a client's challenges of one type, or of all, as
// programs read it.
type clientLine struct {
	Client          domain.ClientID `json:"client_id"`
	Type            string          `json:"type"` // "all", too
	Issued          uint64          `json:"issued"`
	Answered        uint64          `json:"answered"`
	Validated       uint64          `json:"validated"`
	Rejected        uint64          `json:"rejected"`
	Expired         uint64          `json:"expired"`
	Open            uint64          `json:"open"`
	PerHour         *float64        `json:"issued_per_hour,omitempty"`         // of all types
	UnansweredShare *float64        `json:"recent_unanswered_share,omitempty"` // of all types
	RejectedShare   *float64        `json:"recent_rejected_share,omitempty"`   // of all types
}

func lineOf(client domain.ClientID, kind string, o projections.Outcomes) clientLine {
	return clientLine{
		Client: client, Type: kind, Issued: o.Issued, Answered: o.Answered(), Validated: o.Validated, Rejected: o.Rejected, Expired: o.Expired, Open: o.Open(),
	}
}

// clientLines are a client's rows: of each type, and of all.
func clientLines(c projections.ClientFrequency) (list []clientLine) {
	for kind := range domain.TypeAudio + 1 {
		if o, ok := c.ByType[kind]; ok {
			list = append(list, lineOf(c.Client, kind.String(), o))
		}
	}
	all := lineOf(c.Client, "all", c.All)
	rounded := func(v float64) *float64 {
		v = math.Round(v*1000) / 1000
		return &v
	}
	all.PerHour, all.UnansweredShare, all.RejectedShare = rounded(c.Pressure.IssuedPerHour), rounded(c.Pressure.UnansweredShare), rounded(c.Pressure.RejectedShare)
	return append(list, all)
}

// Run prints what became of challenges.
func (c *statsClientsCmd) Run(env *command.Environment) error {
	return withFrequency(env, c.Flags, c.AsOfFlag, func(f *projections.Frequency, now time.Time) error {
		clients := f.Clients(now)
		if c.Client != "" {
			clients = slices.DeleteFunc(clients, func(one projections.ClientFrequency) bool { return string(one.Client) != c.Client })
			if len(clients) == 0 {
				return fmt.Errorf("--client: no challenge was ever issued for a client %q; challenges stand under the id that a client was created with, not under an alias", c.Client)
			}
		}
		if !c.ForPeople() {
			var all []clientLine
			for _, one := range clients {
				all = append(all, clientLines(one)...)
			}
			titles := []string{
				"client_id", "type", "issued", "answered", "validated", "rejected", "expired", "open", "issued_per_hour", "recent_unanswered_share", "recent_rejected_share",
			}
			return command.PrintRows(c.RowsFlags, env.Stdout, titles, all, clientFields)
		}
		totals := f.Totals()
		if len(clients) == 0 {
			_, err := fmt.Fprintln(env.Stdout, noChallenges)
			return err
		}
		fmt.Fprintf(env.Stdout, "Up to event %s (%s); rates are of the last hours.\n\n", //nolint:errcheck // the table's error tells
			console.Grouped(int(totals.Position.Seq)), console.Since(now, totals.Clock))
		return c.print(env, clients)
	})
}

func clientFields(l clientLine) []string {
	fields := []string{string(l.Client), l.Type}
	for _, n := range []uint64{l.Issued, l.Answered, l.Validated, l.Rejected, l.Expired, l.Open} {
		fields = append(fields, strconv.FormatUint(n, 10))
	}
	for _, v := range []*float64{l.PerHour, l.UnansweredShare, l.RejectedShare} {
		text := ""
		if v != nil {
			text = strconv.FormatFloat(*v, 'g', -1, 64)
		}
		fields = append(fields, text)
	}
	return fields
}

func (c *statsClientsCmd) print(env *command.Environment, clients []projections.ClientFrequency) error {
	first := console.Column{Title: "CLIENT", Least: 8}
	if c.Client != "" {
		first = console.Column{Title: "TYPE"}
	}
	columns := []console.Column{first}
	for _, title := range []string{"ISSUED", "ANSWERED", "VALID", "REJECTED", "EXPIRED", "OPEN", "RIGHT", "/HOUR"} {
		columns = append(columns, console.Column{Title: title, Right: true})
	}
	row := func(name string, o projections.Outcomes, perHour string) []string {
		cells := []string{name}
		for _, n := range []uint64{o.Issued, o.Answered(), o.Validated, o.Rejected, o.Expired, o.Open()} {
			cells = append(cells, console.Grouped(int(n)))
		}
		return append(cells, console.Percent(o.Validated, o.Answered()), perHour)
	}
	var rows [][]string
	for _, one := range clients {
		if c.Client != "" {
			for kind := range domain.TypeAudio + 1 {
				if o, ok := one.ByType[kind]; ok {
					rows = append(rows, row(kind.String(), o, ""))
				}
			}
			rows = append(rows, row("all", one.All, console.Hourly(one.Pressure.IssuedPerHour)))
			continue
		}
		rows = append(rows, row(string(one.Client), one.All, console.Hourly(one.Pressure.IssuedPerHour)))
	}
	return console.PrintTable(env.Stdout, console.WidthOf(env.Stdout)(), columns, rows)
}
