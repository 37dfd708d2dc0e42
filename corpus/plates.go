package corpus

import (
	"context"
	"database/sql"

	"ocapi/corpus/plate"
)

const (
	// updatePlate writes nothing where another node has written the same. What was
	// deleted meanwhile is not there any more, and what was imported anew has a
	// plate whose sum tells.
	updatePlate = `UPDATE renderings SET plate = $3 WHERE image = $1 AND n = $2 AND plate IS DISTINCT FROM $3`

	// platesAtOnce bounds what [Store.SavePlates] writes in one transaction. In
	// SQLite that writes each rendering anew, about 16 kB: 2 MB.
	platesAtOnce = 128
)

// lackingPlate is a rendering that was read and has no plate in the database, or
// none that is of use, with the one that was made for it.
type lackingPlate struct {
	key   pictureKey
	plate []byte
}

// plates are those that wait to be saved.
type plates chan lackingPlate

// add takes a plate where there is room; where there is none it will be made
// again when the picture is read again. Nobody waits.
func (p plates) add(key pictureKey, made *plate.Plate) {
	if len(p) == cap(p) {
		return // no work for nothing
	}
	select {
	case p <- lackingPlate{key, made.Encode()}:
	default:
	}
}

// take gives what waits, platesAtOnce at most.
func (p plates) take() []lackingPlate {
	var batch []lackingPlate
	for len(batch) < platesAtOnce {
		select {
		case one := <-p:
			batch = append(batch, one)
		default:
			return batch
		}
	}
	return batch
}

// SavePlates stores plates of pictures that were shown from the database since
// it was last called and had none there: those that an older release imported,
// or whose plate is damaged. It says how many. A picture is read several times
// sooner with its plate, and looks the same without.
//
// One call writes a bounded number in one transaction, so that who calls it now
// and then disturbs nobody; what there is no room for comes another time. On an
// error none of the batch is stored, and they come another time, too.
func (s *Store) SavePlates(ctx context.Context) (int, error) {
	batch := s.lacking.take()
	if len(batch) == 0 {
		return 0, nil
	}
	saved := 0
	err := s.change(ctx, func(tx *sql.Tx) (bool, error) {
		for _, one := range batch {
			wrote, err := affected(tx.ExecContext(ctx, updatePlate, one.key.image, one.key.rendering, one.plate))
			if err != nil {
				return false, err
			}
			if wrote {
				saved++
			}
		}
		return false, nil // nothing that is dealt has changed
	})
	if err != nil {
		return 0, wrap(err, "save %d plates", len(batch))
	}
	return saved, nil
}
