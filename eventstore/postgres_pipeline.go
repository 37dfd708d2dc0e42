package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// fencedCode is what move_checkpoint raises.
const fencedCode = "OC001"

// pipeline is statements that go out together and succeed or fail together: in
// one round trip, as one transaction where the connection has none.
type pipeline struct{ steps []pipelineStep }

type pipelineStep struct {
	does  string // for its error
	query string
	args  [][]byte // in the server's binary form; nil: NULL
}

func (p *pipeline) queue(does, query string, args ...[]byte) {
	p.steps = append(p.steps, pipelineStep{does, query, args})
}

// run sends the statements, each of which the connection prepares once.
func (p *pipeline) run(ctx context.Context, conn *pgx.Conn) error {
	if len(p.steps) == 0 {
		return nil
	}
	prepared := make([]*pgconn.StatementDescription, len(p.steps))
	for i, s := range p.steps {
		var err error
		if prepared[i], err = conn.Prepare(ctx, s.query, s.query); err != nil { // no round trip where it is prepared
			return fmt.Errorf("%s: %w", s.does, err)
		}
	}
	sent := conn.PgConn().StartPipeline(ctx)
	for i, s := range p.steps {
		sent.SendQueryPrepared(prepared[i].Name, s.args, binaryFormat, nil)
	}
	err := sent.Sync()
	if err == nil {
		err = p.results(sent)
	} else {
		err = fmt.Errorf("%s: %w", p.steps[0].does, err)
	}
	if closed := sent.Close(); err == nil && closed != nil { // the transaction ends here
		err = fmt.Errorf("%s: commit: %w", p.steps[0].does, closed)
	}
	return err
}

// binaryFormat is that of all arguments.
var binaryFormat = []int16{pgtype.BinaryFormatCode}

// results reads what became of each statement, and of the transaction.
func (p *pipeline) results(sent *pgconn.Pipeline) error {
	for _, s := range p.steps {
		result, err := sent.GetResults()
		if reader, ok := result.(*pgconn.ResultReader); ok && err == nil {
			_, err = reader.Close()
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == fencedCode {
			err = ErrFenced
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.does, err)
		}
	}
	// The point of synchronisation: an error of the commit comes in its place.
	if _, err := sent.GetResults(); err != nil {
		return fmt.Errorf("%s: commit: %w", p.steps[0].does, err)
	}
	return nil
}
