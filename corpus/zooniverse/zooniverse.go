// Package zooniverse reads the classification export of a Zooniverse project:
// a CSV file whose fields hold JSON. It gives answers, and no word of who gave
// them: the user's columns, and what the metadata says of a session and its
// browser, are dropped before anything else is looked at.
package zooniverse

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of one line.
const (
	maxFieldBytes = 4 << 20 // a drawing of thousands of marks
	maxDepth      = 32
	maxAnswers    = 5_000
	maxValueBytes = 64 << 10
)

// Classification is what one person said of one subject in one sitting.
type Classification struct {
	ID                string
	Workflow, Version string
	Subjects          []Subject
	DecidedAt         time.Time
	Answers           []Answer
	Line              int // of the file, from 1
}

// Subject is what was looked at.
type Subject struct {
	ID   string
	File string // its picture's file name, where it is said
}

// Answer is the answer to one question.
type Answer struct {
	Task     string
	N        int // from 0, where a task has several answers
	Question string
	Value    string // empty: the question was left out
}

// LineError says what is wrong with a line; the next one can be read.
type LineError struct {
	Line   int // from 1
	Reason string
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// columns are those that are read.
var columns = []string{"classification_id", "workflow_id", "workflow_name", "workflow_version", "created_at", "annotations", "subject_data", "subject_ids"}

// needed are those without which there is nothing to be told.
var needed = []string{"classification_id", "annotations", "subject_ids"}

// Header reports whether the names of a table's columns are those of an export.
func Header(fields []string) bool {
	for _, name := range needed {
		if !slices.ContainsFunc(fields, func(f string) bool { return clean(f) == name }) {
			return false
		}
	}
	return true
}

func clean(name string) string {
	return strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
}

// Reader reads an export line by line.
type Reader struct {
	csv   *csv.Reader
	index map[string]int
	width int
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	z := &Reader{csv: csv.NewReader(r), index: map[string]int{}}
	z.csv.ReuseRecord = true
	fields, err := z.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty")
	}
	if err != nil || !Header(fields) {
		return nil, fmt.Errorf("it is no export of classifications: it lacks one of the columns %s", strings.Join(needed, ", "))
	}
	z.width = len(fields)
	for i, f := range fields {
		if name := clean(f); slices.Contains(columns, name) {
			z.index[name] = i
		}
	}
	return z, nil
}

// Next gives the next classification, [io.EOF] at the end, or a [*LineError]
// after which reading can go on.
func (z *Reader) Next() (*Classification, error) {
	record, err := z.csv.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		reason := "the quotation marks do not fit together"
		if errors.Is(err, csv.ErrFieldCount) {
			reason = fmt.Sprintf("the line has %d fields, but there are %d columns", len(record), z.width)
		}
		return nil, &LineError{parse.StartLine, reason}
	}
	if err != nil {
		return nil, err
	}
	line, _ := z.csv.FieldPos(0)
	get := func(name string) string {
		if i, ok := z.index[name]; ok && i < len(record) {
			return record[i]
		}
		return ""
	}
	c, err := read(get)
	if err != nil {
		return nil, &LineError{line, err.Error()}
	}
	c.Line = line
	return c, nil
}

func read(get func(string) string) (*Classification, error) {
	for _, name := range columns {
		if len(get(name)) > maxFieldBytes {
			return nil, fmt.Errorf("the column %s has more than %d bytes", name, maxFieldBytes)
		}
	}
	c := &Classification{ID: strings.Clone(strings.TrimSpace(get("classification_id"))), Version: strings.Clone(get("workflow_version"))}
	if _, err := strconv.ParseUint(c.ID, 10, 64); err != nil {
		return nil, fmt.Errorf("%.40q is no classification id", c.ID)
	}
	if c.Workflow = strings.Clone(get("workflow_name")); c.Workflow == "" {
		c.Workflow = strings.Clone(get("workflow_id"))
	}
	if len(c.Workflow) > 1000 || len(c.Version) > 100 {
		return nil, errors.New("the workflow's name or version is too long to be one")
	}
	var err error
	if c.DecidedAt, err = moment(get("created_at")); err != nil {
		return nil, err
	}
	if c.Subjects, err = subjects(get("subject_ids"), get("subject_data")); err != nil {
		return nil, err
	}
	c.Answers, err = answers(get("annotations"))
	return c, err
}

func moment(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"2006-01-02 15:04:05 UTC", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 2000 && t.Year() < 2200 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time that a classification can have been made at", s)
}

// subjects reads the ids, and of what a project says of each only the name of
// its picture.
func subjects(ids, data string) ([]Subject, error) {
	var list []Subject
	for id := range strings.FieldsFuncSeq(ids, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
		if _, err := strconv.ParseUint(id, 10, 64); err != nil {
			return nil, fmt.Errorf("%.40q is no subject id", id)
		}
		list = append(list, Subject{ID: strings.Clone(id)})
	}
	if len(list) == 0 || len(list) > 100 {
		return nil, fmt.Errorf("it is of %d subjects; it takes 1 to 100", len(list))
	}
	if strings.TrimSpace(data) == "" {
		return list, nil
	}
	var said map[string]map[string]any
	if err := unmarshal(data, &said); err != nil {
		return nil, fmt.Errorf("subject_data: %w", err)
	}
	for i := range list {
		list[i].File = fileName(said[list[i].ID])
	}
	return list, nil
}

// fileName finds the name of a picture among what a project says of a subject;
// of several that of the first column by its name.
func fileName(said map[string]any) string {
	var keys []string
	for key, value := range said {
		s, ok := value.(string)
		lower := strings.ToLower(s)
		if ok && len(s) <= 500 && slices.ContainsFunc([]string{".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif"}, func(ext string) bool { return strings.HasSuffix(lower, ext) }) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return said[slices.Min(keys)].(string)
}

// annotation is the answer to one task; that to a combination of tasks has
// annotations as its value.
type annotation struct {
	Task  string          `json:"task"`
	Label *string         `json:"task_label"`
	Value json.RawMessage `json:"value"`
}

// choice is one list's entry in a drop-down task.
type choice struct {
	List  *string `json:"select_label"`
	Label *string `json:"label"`
	Value any     `json:"value"`
}

func answers(s string) ([]Answer, error) {
	var list []annotation
	if err := unmarshal(s, &list); err != nil {
		return nil, fmt.Errorf("annotations: %w", err)
	}
	var out []Answer
	for _, a := range list {
		var err error
		if out, err = flatten(out, a, 0); err != nil {
			return nil, fmt.Errorf("annotations: %w", err)
		}
	}
	// The same task may be answered twice, as a step gone back to.
	seen := map[string]int{}
	for i := range out {
		out[i].N = seen[out[i].Task]
		seen[out[i].Task]++
	}
	return out, nil
}

func flatten(out []Answer, a annotation, depth int) ([]Answer, error) {
	switch {
	case a.Task == "" || len(a.Task) > 100:
		return nil, errors.New("an answer does not name its task")
	case depth > maxDepth:
		return nil, fmt.Errorf("tasks are nested deeper than %d", maxDepth)
	case len(out) >= maxAnswers:
		return nil, fmt.Errorf("there are more than %d answers", maxAnswers)
	}
	question := ""
	if a.Label != nil {
		question = *a.Label
	}
	var parts []json.RawMessage
	if json.Unmarshal(a.Value, &parts) != nil {
		return add(out, a.Task, question, a.Value)
	}
	var err error
	for _, part := range parts {
		var nested annotation
		var entry choice
		switch {
		case json.Unmarshal(part, &nested) == nil && nested.Task != "":
			out, err = flatten(out, nested, depth+1)
		case json.Unmarshal(part, &entry) == nil && entry.List != nil:
			out, err = addChoice(out, a.Task, question, &entry)
		default:
			out, err = add(out, a.Task, question, part)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(parts) == 0 {
		return add(out, a.Task, question, nil)
	}
	return out, nil
}

func addChoice(out []Answer, task, question string, c *choice) ([]Answer, error) {
	if question == "" {
		question = *c.List
	}
	value := ""
	switch v := c.Value.(type) {
	case string:
		value = v // an entry that the visitor typed has no label
	case nil:
	default:
		value = fmt.Sprint(v)
	}
	if c.Label != nil {
		value = *c.Label
	}
	return put(out, Answer{Task: task, Question: question, Value: value})
}

// add takes a value as it is: a text, a number, or a mark's JSON.
func add(out []Answer, task, question string, raw json.RawMessage) ([]Answer, error) {
	var text string
	if len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	if text == "null" {
		text = ""
	}
	return put(out, Answer{Task: task, Question: question, Value: text})
}

func put(out []Answer, a Answer) ([]Answer, error) {
	if len(a.Value) > maxValueBytes || len(a.Question) > maxValueBytes {
		return nil, fmt.Errorf("the answer to task %s has more than %d bytes", a.Task, maxValueBytes)
	}
	if len(out) >= maxAnswers {
		return nil, fmt.Errorf("there are more than %d answers", maxAnswers)
	}
	// A database takes no NUL.
	a.Value, a.Question = strings.ReplaceAll(a.Value, "\x00", "\ufffd"), strings.ReplaceAll(a.Question, "\x00", "\ufffd")
	return append(out, a), nil
}

// unmarshal refuses what is nested too deep before it is read.
func unmarshal(s string, into any) error {
	depth, quoted, escaped := 0, false, false
	for _, r := range []byte(s) {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '[' || r == '{':
			if depth++; depth > maxDepth {
				return fmt.Errorf("it is nested deeper than %d", maxDepth)
			}
		case r == ']' || r == '}':
			depth--
		}
	}
	if err := json.Unmarshal([]byte(s), into); err != nil {
		return fmt.Errorf("it is no JSON of the kind that is exported: %w", err)
	}
	return nil
}
