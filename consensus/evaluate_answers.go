package consensus

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// crowd are answers of workers who are known, to tasks with one of some labels.
// It is what public data looks like, and what this service never has.
type crowd struct {
	tasks, workers, labels names
	answers                []CrowdAnswer // in the order of the file
	truth                  []int32       // by task; -1: not on record
	skipped                int           // tasks with truth that nobody answered
}

// names numbers names as they come.
type names struct {
	list   []string
	number map[string]int32
}

func (n *names) of(name string) int32 {
	i, found := n.number[name]
	if !found {
		if n.number == nil {
			n.number = make(map[string]int32)
		}
		i = int32(len(n.list))
		name = strings.Clone(name) // not the whole line
		n.list, n.number[name] = append(n.list, name), i
	}
	return i
}

// isCrowd reports whether a header is that of answers by workers.
func isCrowd(header []string) bool {
	return slices.Contains(header, "task") && slices.Contains(header, "worker") && slices.Contains(header, "label")
}

// mostLabels is how many different labels a file may have before its answers are
// taken to be texts.
const mostLabels = 64

var errTexts = errors.New("the answers are texts")

// readCrowd reads answers, and truth that stands in a file of its own or beside
// them. It gives errTexts as soon as there are more labels than labels are.
func readCrowd(rows, truth *table) (*crowd, error) {
	task, worker, label := slices.Index(rows.header, "task"), slices.Index(rows.header, "worker"), slices.Index(rows.header, "label")
	beside := slices.Index(rows.header, "truth")
	c := &crowd{}
	var blank error
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, i := range []int{task, worker} {
			if row[i] == "" {
				return nil, rows.errorf("there is no %s", rows.header[i])
			}
		}
		if row[label] == "" && blank == nil {
			blank = rows.errorf("there is no label") // a text can be empty
		}
		a := CrowdAnswer{c.tasks.of(row[task]), c.workers.of(row[worker]), c.labels.of(row[label])}
		c.answers = append(c.answers, a)
		if int(a.Task) == len(c.truth) {
			c.truth = append(c.truth, -1)
		}
		if truth == nil && beside >= 0 && row[beside] != "" {
			if err := c.setTruth(rows, a.Task, row[beside]); err != nil {
				return nil, err
			}
		}
		if len(c.labels.list) > mostLabels {
			return nil, errTexts
		}
	}
	if len(c.answers) == 0 {
		return nil, fmt.Errorf("%s: there are no answers", rows.name)
	}
	if blank != nil {
		return nil, blank
	}
	return c, c.readTruth(truth)
}

func (c *crowd) setTruth(t *table, task int32, truth string) error {
	l := c.labels.of(truth) // nobody need have said it
	if was := c.truth[task]; was >= 0 && was != l {
		return t.errorf("the truth of task %q is %q here and %q before", c.tasks.list[task], truth, c.labels.list[was])
	}
	c.truth[task] = l
	return nil
}

func (c *crowd) readTruth(truth *table) error {
	if truth == nil {
		return nil
	}
	task, column := slices.Index(truth.header, "task"), slices.Index(truth.header, "truth")
	if task < 0 || column < 0 {
		return fmt.Errorf("%s: line 1: truth has the columns task and truth", truth.name)
	}
	for {
		row, err := truth.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case row[column] == "":
			continue
		}
		i, found := c.tasks.number[row[task]]
		if !found {
			c.skipped++
			continue
		}
		if err := c.setTruth(truth, i, row[column]); err != nil {
			return err
		}
	}
}
