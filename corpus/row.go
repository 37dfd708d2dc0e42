package corpus

import (
	"errors"
	"fmt"
	"image"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ocapi/corpus/layout"
	"ocapi/domain"
)

const (
	maxFieldBytes   = 4096
	maxKeywordBytes = 100
	maxKeywords     = 64
	maxBoxNumber    = 1 << 20 // pixels; no page is wider

	// judgedLetters is how long a folded text has to be to be asked as a known
	// one; it is the pool's own bound.
	judgedLetters = 3
)

// manifestLine is what one line of a manifest says.
type manifestLine struct {
	file    string // relative, with slashes; "": it is to be fetched
	address string // of the picture to be fetched
	item    Item   // without its origin
	notes   []string
}

// readRow reads one line. complete is what a line that does not say means.
func readRow(r row, complete bool) (manifestLine, error) {
	if err := checkFields(r.fields); err != nil {
		return manifestLine{}, err
	}
	var line manifestLine
	var err error
	if err = line.readPicture(r); err != nil {
		return manifestLine{}, err
	}
	item := &line.item
	if item.Known, err = r.known(); err != nil {
		return manifestLine{}, err
	}
	if item.Known {
		item.Trust = domain.TrustImported
	}
	if item.Type, err = readKind(r); err != nil {
		return manifestLine{}, err
	}
	if item.Type == domain.TypeTranscription {
		err = line.readText(r)
	} else {
		err = line.readKeywords(r, complete)
	}
	if err != nil {
		return manifestLine{}, err
	}
	if err := line.readPlace(r); err != nil {
		return manifestLine{}, err
	}
	if err := line.readGuess(r); err != nil {
		return manifestLine{}, err
	}
	item.Provenance = Provenance{
		Institution: r.get(columnCredit), ShelfMark: r.get(columnShelfMark), Page: r.get(columnPage),
		Licence: r.get(columnLicence), Source: r.get(columnSource),
		Canvas: r.get(columnCanvas), Region: r.get(columnRegion),
	}
	for _, address := range []string{item.Source, item.Canvas} {
		if err := checkSource(address); err != nil {
			return manifestLine{}, err
		}
	}
	item.Document = firstOf(r.get(columnDocument), item.Source, line.file, line.address)
	item.named = domain.ImageID(r.get(columnImage))
	item.Source = firstOf(item.Source, line.address)
	if line.file == "" && line.address != "" {
		item.Address = line.address
		if b := item.Box; !b.Empty() {
			item.Address += fmt.Sprintf("#xywh=%d,%d,%d,%d", b.Min.X, b.Min.Y, b.Dx(), b.Dy())
		}
	}
	return line, nil
}

// readPicture finds out where the picture is: in the folder, or else at an
// address.
func (l *manifestLine) readPicture(r row) (err error) {
	file := r.get(columnFile)
	if l.address = r.get(columnAddress); l.address != "" && !isAddress(l.address) {
		return fmt.Errorf("the address %.80q begins with neither http nor https", l.address)
	}
	switch {
	case file == "" && (l.address != "" || r.get(columnImage) != ""):
		return nil // of an image that is there already; see pipeline.named
	case r.other == nil || file == "":
		l.file, err = readFile(file)
		return err
	}
	if l.file, err = r.other.tree.picture(file, manifestName); err != nil && l.address == "" {
		return err
	}
	return nil
}

// known says whether the answer is on record. A table that was made for
// something else and does not say so has an answer or none.
func (r row) known() (bool, error) {
	said := r.get(columnKnown)
	if said == "" && r.other != nil {
		return r.get(columnKeyword) != "" || r.get(columnText) != "", nil
	}
	return readKnown(said)
}

// keywords gives the keywords of a line. Some platforms write several lists
// into one field, each with a number that means nothing here: "a,0|b;c,1".
func (r row) keywords() []string {
	field := r.get(columnKeyword)
	if r.other == nil {
		return strings.Split(field, "|")
	}
	var list []string
	for part := range strings.SplitSeq(field, "|") {
		if i := strings.LastIndexByte(part, ','); i >= 0 && i+1 < len(part) && strings.Trim(part[i+1:], "0123456789 ") == "" {
			part = part[:i]
		}
		list = append(list, strings.Split(part, ";")...)
	}
	return list
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// checkFields refuses what no field may hold.
func checkFields(fields []string) error {
	for i, f := range fields {
		switch {
		case len(f) > maxFieldBytes:
			return fmt.Errorf("field %d is longer than %d bytes", i+1, maxFieldBytes)
		case !utf8.ValidString(f):
			return fmt.Errorf("field %d is not valid UTF-8; save the file as UTF-8", i+1)
		case strings.ContainsFunc(f, unicode.IsControl):
			return fmt.Errorf("field %d holds a control character or a line break", i+1)
		}
	}
	return nil
}

// readFile checks the path's form only; that it stays in the folder, through
// links too, is the folder's own guard's business.
func readFile(name string) (string, error) {
	if name == "" {
		return "", errors.New("the file is missing")
	}
	name = path.Clean(strings.ReplaceAll(name, `\`, "/")) // as Windows writes it
	if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
		return "", fmt.Errorf("the file %.80q is not in the folder", name)
	}
	return name, nil
}

func readKnown(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes", "true", "1", "known":
		return true, nil
	case "no", "false", "0", "unknown":
		return false, nil
	case "":
		return false, errors.New("it is not said whether the answer is known; write yes or no")
	}
	return false, fmt.Errorf("%.40q does not say whether the answer is known; write yes or no", s)
}

func readKind(r row) (domain.ChallengeType, error) {
	switch kind := strings.ToLower(r.get(columnKind)); kind {
	case "transcription":
		return domain.TypeTranscription, nil
	case "classification":
		return domain.TypeClassification, nil
	case "":
		text, keyword := r.get(columnText) != "", r.get(columnKeyword) != ""
		switch {
		case text && !keyword:
			return domain.TypeTranscription, nil
		case keyword && !text:
			return domain.TypeClassification, nil
		case !text && r.other != nil:
			// Nobody has said anything yet; the columns tell what is to be said.
			if _, has := r.index[columnKeyword]; has {
				return domain.TypeClassification, nil
			}
			return domain.TypeTranscription, nil
		}
		return domain.TypeInvalid, errors.New("the kind is missing; write transcription or classification")
	default:
		return domain.TypeInvalid, fmt.Errorf("the kind is %.40q; write transcription or classification", kind)
	}
}

func (l *manifestLine) readText(r row) error {
	if r.get(columnKeyword) != "" {
		return errors.New("a transcription has a text, not a keyword")
	}
	text := r.get(columnText)
	if !l.item.Known {
		if text != "" {
			l.notes = append(l.notes, "the text is not kept, because the image is said to be unknown")
		}
		return nil
	}
	note, err := recordedText(text)
	if err != nil {
		return err
	}
	if note != "" {
		l.notes = append(l.notes, note)
	}
	l.item.Text = text
	return nil
}

func (l *manifestLine) readKeywords(r row, complete bool) error {
	if r.get(columnText) != "" {
		return errors.New("a classification has keywords, not a text")
	}
	var keywords []string
	for _, k := range r.keywords() {
		k = strings.TrimSpace(k)
		switch {
		case k == "":
			continue
		case len(k) > maxKeywordBytes:
			return fmt.Errorf("the keyword %.40q is longer than %d bytes", k, maxKeywordBytes)
		}
		keywords = append(keywords, k)
	}
	keywords = sortedSet(keywords)
	if len(keywords) > maxKeywords {
		return fmt.Errorf("there are %d keywords; at most %d are read", len(keywords), maxKeywords)
	}
	if !l.item.Known {
		l.item.Candidates = keywords
		return nil
	}
	if s := r.get(columnComplete); s != "" {
		var err error
		if complete, err = readYes(s); err != nil {
			return err
		}
	}
	if len(keywords) == 0 && !complete {
		return errors.New("a known image without keywords says nothing, unless its labels are said to be complete")
	}
	l.item.Labels, l.item.Complete = keywords, complete
	return nil
}

func readYes(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes", "true", "1":
		return true, nil
	case "no", "false", "0":
		return false, nil
	}
	return false, fmt.Errorf("%.40q does not say whether the labels are complete; write yes or no", s)
}

// readPlace reads the box and the outline.
func (l *manifestLine) readPlace(r row) (err error) {
	item := &l.item
	if item.Box, err = readBox(r); err != nil {
		return err
	}
	outline := r.get(columnOutline)
	if outline == "" {
		return nil
	}
	if item.Box.Empty() || l.file == "" {
		return errors.New("an outline is of a box in a picture of the folder")
	}
	area, err := layout.Points(outline)
	switch {
	case err != nil:
		return err
	case !area.Box.In(item.Box):
		return errors.New("the outline is not within the box")
	}
	item.Outline = area.Outline
	return nil
}

// readGuess reads what a machine makes of an unknown image.
func (l *manifestLine) readGuess(r row) error {
	guess, prior := r.get(columnGuess), r.get(columnPrior)
	if l.item.Known || guess == "" && prior == "" {
		return nil
	}
	if prior != "" {
		p, err := strconv.ParseFloat(prior, 64)
		if err != nil || !(p >= 0 && p <= 1) {
			return fmt.Errorf("the prior is %.40q; it is a probability from 0 to 1", prior)
		}
		l.item.Prior = p
	}
	if l.item.Type == domain.TypeTranscription {
		l.item.Guess = guess
	}
	return nil
}

func readBox(r row) (image.Rectangle, error) {
	var numbers [4]int
	given := 0
	for i, c := range []column{columnX, columnY, columnW, columnH} {
		s := r.get(c)
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > maxBoxNumber {
			return image.Rectangle{}, fmt.Errorf("%.40q is no number of pixels", s)
		}
		numbers[i] = n
		given++
	}
	x, y, w, h := numbers[0], numbers[1], numbers[2], numbers[3]
	switch {
	case given == 0:
		return image.Rectangle{}, nil
	case given < 4:
		return image.Rectangle{}, errors.New("a box has four numbers: x, y, w, h")
	case w == 0 || h == 0:
		return image.Rectangle{}, errors.New("the box is empty")
	}
	return image.Rect(x, y, x+w, y+h), nil
}

// checkSource allows addresses and persistent identifiers. Addresses end up as
// links in front of people, so schemes that run something are out.
func checkSource(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || !slices.Contains([]string{"http", "https", "urn", "ark", "doi", "hdl", "info"}, u.Scheme) {
		return fmt.Errorf("the source or canvas %.80q is no address of the schemes http, https, urn, ark, doi, hdl and info", s)
	}
	return nil
}
