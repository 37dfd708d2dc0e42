package pages

import (
	"fmt"
	"slices"
	"strings"

	"ocapi/domain"
)

// Viewer is somebody who looks at pages. The zero value may see nothing.
type Viewer struct {
	Name        string // as the sign-in tells it; empty on the operator's listener
	Operator    bool   // may see everything
	Clients     []domain.ClientID
	Collections []domain.CollectionID
}

// Operator is who asks on the operator's own listener.
func Operator() Viewer { return Viewer{Operator: true} }

func (v Viewer) seesClient(id domain.ClientID) bool {
	return v.Operator || slices.Contains(v.Clients, id)
}

func (v Viewer) seesCollection(id domain.CollectionID) bool {
	return v.Operator || slices.Contains(v.Collections, id)
}

// Access says what users may see, by their names.
type Access map[string]Viewer

// ParseAccess reads a list of users, one a line: the name as the sign-in tells
// it, then what they may see, separated by blanks: client/ID, collection/ID, or
// operator for everything. A '#' begins a comment; empty lines are nothing. A
// user may stand on several lines. The error is CodeInvalid and names the line.
func ParseAccess(text string) (Access, error) {
	access := Access{}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		invalid := func(format string, args ...any) error {
			return domain.Invalid("access", "line %d: %s", i+1, fmt.Sprintf(format, args...))
		}
		if len(fields) == 1 {
			return nil, invalid("it does not say what %s may see: client/ID, collection/ID or operator", fields[0])
		}
		v := access[fields[0]]
		v.Name = fields[0]
		for _, what := range fields[1:] {
			kind, id, _ := strings.Cut(what, "/")
			switch {
			case what == "operator":
				v.Operator = true
			case kind == "client":
				client, err := domain.ParseClientID(id)
				if err != nil {
					return nil, invalid("%.100q names no client", what)
				}
				v.Clients = append(v.Clients, client)
			case kind == "collection" && id != "" && !strings.Contains(id, "/"):
				v.Collections = append(v.Collections, domain.CollectionID(id))
			default:
				return nil, invalid("%.100q is none of client/ID, collection/ID and operator", what)
			}
		}
		access[v.Name] = v
	}
	return access, nil
}
