package eventstore

import "ocapi/domain"

func encodeConsumed(e *domain.VerdictConsumed) []byte {
	b := appendUint(nil, 1, uint64(e.AnsweredAt.UnixMicro()))
	if !e.Key.IsZero() {
		b = appendBytes(b, 2, e.Key.UUID[:])
	}
	return b
}

func decodeConsumed(f field, e *domain.VerdictConsumed) error {
	return f.message(func(f field) (err error) {
		switch f.number {
		case 1:
			e.AnsweredAt, err = f.moment()
		case 2:
			e.Key.UUID, err = f.uuid()
		}
		return err
	})
}
