package domain

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// textStock is what a pool has for transcriptions.
type textStock struct {
	forms     []string            // sorted
	byForm    map[string][]uint32 // known texts that are long enough
	unknown   []uint32
	lent      int // of the unknown: known ones by votes that play unknown ones
	elsewhere int // images that are not of the document with the most
	supply    TextSupply
	servable  bool
}

// maxExchanges bounds how long another partner is looked for, where all but few
// texts are of one document.
const maxExchanges = 512

func (s *textStock) gather(p *Pool) {
	s.byForm = map[string][]uint32{}
	documents := map[string]int{}
	total, most := 0, 0
	var promoted []uint32
	for i := range p.images {
		im := &p.images[i]
		if im.Type != TypeTranscription {
			continue
		}
		total++
		stands := im.stands("")
		switch {
		case stands.truth.Kind != TruthNone && stands.proven:
			s.supply.KnownTexts++
			form := Fold(stands.truth.Text)
			if !longEnough(form) {
				s.supply.Short++
				continue
			}
			s.byForm[form] = append(s.byForm[form], uint32(i))
			if stands.trust == TrustPromoted {
				promoted = append(promoted, uint32(i))
			}
		case stands.shut:
			continue
		default:
			s.unknown = append(s.unknown, uint32(i))
		}
		documents[im.Document]++
		most = max(most, documents[im.Document])
	}
	s.elsewhere = s.known() + len(s.unknown) - most
	s.listForms()
	s.lend(p, promoted)
	least := p.dealing.couples(minSheetsOfTexts)
	s.supply.Known = Supply{There: len(s.byForm), Least: least.known()}
	s.supply.Unknown = Supply{There: len(s.unknown), Least: least.unknown}
	if total == 0 {
		return
	}
	switch {
	case s.elsewhere == 0:
		p.shortages = append(p.shortages, Shortage{Type: TypeTranscription, Reason: "all texts are of one document, and two of one document are never shown together"})
	case s.largest(p.dealing, s.counts(), len(s.unknown), 1) == 0:
		p.shortages = append(p.shortages, Shortage{Type: TypeTranscription, Reason: fmt.Sprintf(
			"%s in %s and %s; it takes %d known ones, no form of at least %d letters more than one time in %d, and %d unknown ones, so that no guess is right more than one time in fifty",
			count(s.supply.KnownTexts, "known text"), count(len(s.byForm), "different form"), count(len(s.unknown), "unknown text"),
			least.known(), minFoldedLen, minSheetsOfTexts, least.unknown)})
	default:
		s.servable = true
	}
}

// lend lets texts that votes have settled play unknown ones where these are too
// few beside the known ones: a collection of which nearly all is read is served
// all the same. They are taken by their ids, which are hashes, so that it is about
// the same ones tomorrow.
func (s *textStock) lend(p *Pool, promoted []uint32) {
	const large = 1000 // couples, so that nothing is lost by rounding
	need := p.dealing.couples(large)
	known := s.known()
	n := (known*need.unknown - len(s.unknown)*need.known()) / (need.known() + need.unknown)
	if n <= 0 || len(promoted) == 0 {
		return
	}
	slices.SortFunc(promoted, func(a, b uint32) int { return cmp.Compare(p.images[a].ID, p.images[b].ID) })
	lent := promoted[:min(n, len(promoted))]
	byForm, before := maps.Clone(s.byForm), s.largest(p.dealing, s.counts(), len(s.unknown), 1)
	for _, card := range lent {
		form := p.form(card)
		s.byForm[form] = slices.DeleteFunc(slices.Clone(s.byForm[form]), func(c uint32) bool { return c == card })
		if len(s.byForm[form]) == 0 {
			delete(s.byForm, form)
		}
	}
	s.lent = len(lent)
	s.listForms()
	// Where it is forms that are scarce, it takes more than it gives.
	if s.largest(p.dealing, s.counts(), len(s.unknown)+len(lent), 1) < before {
		s.byForm, s.lent = byForm, 0
		s.listForms()
		return
	}
	s.unknown = append(s.unknown, lent...)
}

func (s *textStock) listForms() { s.forms = slices.Sorted(maps.Keys(s.byForm)) }

func longEnough(form string) bool { return len([]rune(form)) >= minFoldedLen }

// known counts the known texts that are long enough and are dealt as such.
func (s *textStock) known() int { return s.supply.KnownTexts - s.supply.Short - s.lent }

// counts gives how many known texts there are of each form, in the order of the
// forms.
func (s *textStock) counts() []int {
	counts := make([]int, len(s.forms))
	for i, f := range s.forms {
		counts[i] = len(s.byForm[f])
	}
	return counts
}

// ofOneForm is how many known texts of one form n couples may have: one in
// fifty couples.
func ofOneForm(n int) int { return n / minSheetsOfTexts }

// largest gives the largest number of couples for which each of rest
// generations has enough, when counts are the known texts of each form; 0 where
// it is not enough to serve.
func (s *textStock) largest(d Dealing, counts []int, unknown, rest int) int {
	sorted := slices.Sorted(slices.Values(counts))
	before := make([]int, len(sorted)+1) // before[i]: texts of the i rarest forms
	for i, c := range sorted {
		before[i+1] = before[i] + c
	}
	allowed := func(most int) int { // known texts that can be used, of all generations
		i, _ := slices.BinarySearch(sorted, most*rest+1)
		return before[i] + (len(sorted)-i)*most*rest
	}
	// Of each couple one text at least is not of the document with the most.
	for n := min(maxSheets, before[len(sorted)]/rest, s.elsewhere/rest); n >= minSheetsOfTexts; n-- {
		need := d.couples(n)
		if need.known()*rest <= allowed(ofOneForm(n)) && need.unknown*rest <= unknown {
			return n
		}
	}
	return 0
}

// sheets makes the couples of a generation from what is rested; none where
// there is not enough.
func (s *textStock) sheets(p *Pool, rest int, rested func(uint32) bool, rng *rand.Rand) []Sheet {
	fresh := make([][]uint32, len(s.forms))
	counts := make([]int, len(s.forms))
	for i, f := range s.forms {
		fresh[i] = slices.DeleteFunc(slices.Clone(s.byForm[f]), func(card uint32) bool { return !rested(card) })
		shuffle(rng, fresh[i])
		counts[i] = len(fresh[i])
	}
	unknown := slices.DeleteFunc(slices.Clone(s.unknown), func(card uint32) bool { return !rested(card) })
	n := min(s.largest(p.dealing, counts, len(unknown), 1), s.largest(p.dealing, s.counts(), len(s.unknown), rest))
	if n == 0 {
		return nil
	}
	need := p.dealing.couples(n)
	known := s.choose(fresh, need.known(), ofOneForm(n), rest, rng)
	shuffle(rng, unknown)
	p.urgentFirst(unknown, need.unknown)
	return p.sheetsOf("", p.fair(s.couple(p, known, unknown[:need.unknown], need, rng)))
}

// scarce is the share of the texts that can be used, above which all generations
// together use nearly all of them: none may then be left over in the wrong form.
const scarce = 0.9

// choose takes known texts from what is fresh of each form: about as many of
// each as keep the forms of all generations alike, and no more than most. Where
// texts are scarce, forms that have given less than their share come first, so
// that the last of the generations finds as many forms as the first.
func (s *textStock) choose(fresh [][]uint32, need, most, rest int, rng *rand.Rand) []uint32 {
	take, order := make([]int, len(fresh)), rng.Perm(len(fresh))
	total, usable, left := 0, 0, 0
	for i := range fresh {
		usable += min(len(s.byForm[s.forms[i]]), most*rest)
		left += len(fresh[i])
	}
	short := float64(need*rest) > scarce*float64(usable)
	owed := make([]float64, len(fresh)) // what a form has left beyond its share for the generations to come
	for i := range fresh {
		share := float64(len(s.byForm[s.forms[i]])) / float64(rest)
		if short {
			share = math.Floor(share)
			toCome := math.Round(float64(rest*left) / float64(s.known()))
			owed[i] = float64(len(fresh[i])) - share*toCome
		}
		take[i] = min(sampled(rng, share), most, len(fresh[i]))
		total += take[i]
	}
	for total != need {
		before := total
		if short && total < need {
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(owed[b], owed[a]) })
		}
		for _, i := range order {
			switch {
			case total > need && take[i] > 0:
				take[i], total = take[i]-1, total-1
			case total < need && take[i] < min(most, len(fresh[i])):
				take[i], total = take[i]+1, total+1
			}
		}
		if total == before {
			break // there is no more; largest has seen to it that this does not happen
		}
		shuffle(rng, order)
	}
	chosen := make([]uint32, 0, need)
	for i, n := range take {
		chosen = append(chosen, fresh[i][:n]...)
	}
	shuffle(rng, chosen)
	return chosen
}

// couple puts the texts together, two of different documents each. Couples for
// which there is no way are left out.
func (s *textStock) couple(p *Pool, known, unknown []uint32, need pieces, rng *rand.Rand) [][]placed {
	// Sentinels measure votes, so they are texts that no votes have settled, where
	// there are such.
	slices.SortStableFunc(known, func(a, b uint32) int {
		return cmp.Compare(p.images[a].stands("").trust, p.images[b].stands("").trust)
	})
	var others []uint32
	parts := map[uint32]Part{}
	add := func(cards []uint32, part Part) {
		others = append(others, cards...)
		for _, card := range cards {
			parts[card] = part
		}
	}
	add(known[:need.sentinels], PartSentinel)
	known = known[need.sentinels:]
	shuffle(rng, known)
	add(known[:need.wholly], PartMatch)
	known = known[need.wholly:]
	add(unknown, PartUnknown)
	shuffle(rng, others)
	apart := func(a, b uint32) bool { return p.images[a].Document != p.images[b].Document }
	for i := range known {
		if apart(known[i], others[i]) {
			continue
		}
		// Where there is a way at all, one exchange of partners is enough.
		from := rng.IntN(len(known))
		for k := range min(len(known), maxExchanges) {
			j := (from + k) % len(known)
			if apart(known[i], others[j]) && apart(known[j], others[i]) {
				others[i], others[j] = others[j], others[i]
				break
			}
		}
	}
	var couples [][]placed
	for i := range known {
		if apart(known[i], others[i]) {
			couples = append(couples, []placed{{known[i], PartMatch}, {others[i], parts[others[i]]}})
		}
	}
	return couples
}

// form gives the folded form of a known text.
func (p *Pool) form(card uint32) string { return Fold(p.images[card].stands("").truth.Text) }

// fair takes couples away until no folded form is the known text of more than
// one in fifty of them, and all when fewer than fifty are left.
func (p *Pool) fair(couples [][]placed) [][]placed {
	for {
		most := ofOneForm(len(couples))
		if most == 0 {
			return nil
		}
		seen := map[string]int{}
		kept := slices.DeleteFunc(slices.Clone(couples), func(couple []placed) bool {
			tooMany := false
			for _, c := range couple {
				if c.part == PartMatch {
					tooMany = tooMany || seen[p.form(c.card)] >= most
				}
			}
			for _, c := range couple {
				if c.part == PartMatch && !tooMany {
					seen[p.form(c.card)]++
				}
			}
			return tooMany
		})
		if len(kept) == len(couples) {
			return kept
		}
		couples = kept
	}
}
