package http

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// fallbackLanguage is spoken where nothing else is asked for.
const fallbackLanguage = "en"

// texts is what the page without scripts says in one language: those of the
// widget's texts that it shares, and its own.
type texts struct {
	Read, Select, Image, Unreadable, Validate, Another, Retry, RejectedOnly string
	Fill, Pick, Refused, Transcription, Classification                      string
	Listen, Look, Hear, Heard, Hint, Slower, FillAudio, Audio               string

	Page struct {
		Title, Intro, Wrong, Expired, Incomplete, Done, Copy, Code, Until string
		Check, Busy, Down, Missing                                        string
	}
}

// languages are the texts by the code of their language.
type languages map[string]*texts

// readLanguages reads language files. The error says which language lacks what.
func readLanguages(files map[string][]byte) (languages, error) {
	read := languages{}
	for code, file := range files {
		t := &texts{}
		if err := json.Unmarshal(file, t); err != nil {
			return nil, fmt.Errorf("Languages: %s: %w", code, err)
		}
		for _, group := range []reflect.Value{reflect.ValueOf(*t), reflect.ValueOf(t.Page)} {
			for i := range group.NumField() {
				if f := group.Field(i); f.Kind() == reflect.String && strings.TrimSpace(f.String()) == "" {
					return nil, fmt.Errorf("Languages: %s has no text for %s", code, group.Type().Field(i).Name)
				}
			}
		}
		read[code] = t
	}
	if read[fallbackLanguage] == nil {
		return nil, fmt.Errorf("Languages: %q is missing", fallbackLanguage)
	}
	return read, nil
}

// choose gives the code of the language to speak: the one that was asked for,
// else the first of an Accept-Language header's that there is, else English.
func (l languages) choose(asked, header string) string {
	if code := primaryLanguage(asked); l[code] != nil {
		return code
	}
	for _, code := range acceptedLanguages(header) {
		if l[code] != nil {
			return code
		}
	}
	return fallbackLanguage
}

// maxLanguages bounds how much of an Accept-Language header is looked at.
// Nobody reads more languages than that.
const maxLanguages = 32

// acceptedLanguages gives the languages of an Accept-Language header, without
// their regions, the best liked first (RFC 9110, section 12.5.4).
func acceptedLanguages(header string) []string {
	type liked struct {
		code   string
		weight float64
	}
	var list []liked
	for item := range strings.SplitSeq(header, ",") {
		if len(list) == maxLanguages {
			break
		}
		tag, parameters, _ := strings.Cut(item, ";")
		weight := 1.0
		if _, q, weighted := strings.Cut(strings.ReplaceAll(parameters, " ", ""), "q="); weighted {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if code := primaryLanguage(tag); code != "" && weight > 0 {
			list = append(list, liked{code, weight})
		}
	}
	slices.SortStableFunc(list, func(a, b liked) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	codes := make([]string, len(list))
	for i, l := range list {
		codes[i] = l.code
	}
	return codes
}

// primaryLanguage gives the first part of a language tag, in lower case.
func primaryLanguage(tag string) string {
	primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
	return strings.ToLower(primary)
}

// direction says how a language is written, as in the HTML attribute dir.
func direction(code string) string {
	switch code {
	case "ar", "fa", "he", "ur":
		return "rtl"
	}
	return "ltr"
}

// labelIn picks a label in a language, else in English, else in the first of
// those that there are, and says in which one it is.
func labelIn(labels map[string]string, code string) (label, tag string) {
	tags := make([]string, 0, len(labels))
	for t := range labels {
		tags = append(tags, t)
	}
	slices.Sort(tags)
	for _, wanted := range []string{code, fallbackLanguage} {
		for _, t := range tags {
			if primaryLanguage(t) == wanted {
				return labels[t], t
			}
		}
	}
	if len(tags) == 0 {
		return "", ""
	}
	return labels[tags[0]], tags[0]
}
