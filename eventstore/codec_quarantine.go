package eventstore

import "ocapi/domain"

func encodeQuarantined(e *domain.VotesQuarantined) []byte {
	var pattern []byte
	pattern = appendUint(pattern, 1, uint64(e.Pattern.Kind))
	pattern = appendString(pattern, 2, e.Pattern.Text)
	pattern = appendUint(pattern, 3, e.Pattern.Selected)
	pattern = appendUint(pattern, 4, uint64(e.Pattern.Positions))
	b := appendBytes(nil, 1, pattern)
	b = appendUint(b, 2, uint64(e.From.UnixMicro()))
	b = appendUint(b, 3, uint64(e.To.UnixMicro()))
	b = appendString(b, 4, e.Reason)
	return appendBool(b, 5, e.Automatic)
}

func decodeQuarantined(f field, e *domain.VotesQuarantined) error {
	return f.message(func(f field) (err error) {
		switch f.number {
		case 1:
			err = f.message(func(f field) error { return decodePattern(f, &e.Pattern) })
		case 2:
			e.From, err = f.moment()
		case 3:
			e.To, err = f.moment()
		case 4:
			e.Reason, err = f.text()
		case 5:
			e.Automatic, err = f.bool()
		}
		return err
	})
}

func decodePattern(f field, p *domain.VotePattern) (err error) {
	var v uint64
	switch f.number {
	case 1:
		v, err = f.below(uint64(domain.PatternSelection) + 1)
		p.Kind = domain.PatternKind(v)
	case 2:
		p.Text, err = f.text()
	case 3:
		p.Selected, err = f.uint()
	case 4:
		v, err = f.below(domain.MaxPositions + 1)
		p.Positions = uint8(v)
	}
	return err
}

func decodeLifted(f field, e *domain.QuarantineLifted) error {
	return f.message(func(f field) (err error) {
		if f.number == 1 {
			e.Reason, err = f.text()
		}
		return err
	})
}
