// Command watermill appends messages to PostgreSQL by watermill-sql, as the
// benchmark's parent appends events: two to a stream, one after the other, by
// many callers at once. It knows no expectation about a stream. It prints how
// long that took.
package main

import (
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	watersql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	_ "github.com/jackc/pgx/v5/stdlib"
)

// The stored forms of a creation and of an answer are about as long.
const createdBytes, answeredBytes = 190, 75

const topic = "events"

func main() {
	url := flag.String("url", "", "the database's `URL`")
	streams := flag.Int("streams", 1000, "how many streams are appended")
	callers := flag.Int("callers", 64, "by how many at once, each with a connection")
	flag.Parse()
	if err := run(*url, *streams, *callers); err != nil {
		fmt.Fprintln(os.Stderr, "watermill:", err)
		os.Exit(1)
	}
}

func run(url string, streams, callers int) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // the process ends
	db.SetMaxOpenConns(callers)
	db.SetMaxIdleConns(callers)
	publisher, err := watersql.NewPublisher(watersql.BeginnerFromStdSQL(db), watersql.PublisherConfig{
		SchemaAdapter:        watersql.DefaultPostgreSQLSchema{GeneratePayloadType: func(string) string { return "BYTEA" }},
		AutoInitializeSchema: true,
	}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	// It makes its table, and callers their connections, before the clock runs.
	if err := appendAll(publisher, callers, callers); err != nil {
		return err
	}
	began := time.Now()
	if err := appendAll(publisher, streams, callers); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"streams": streams, "seconds": time.Since(began).Seconds()})
}

// appendAll appends streams of two messages.
func appendAll(publisher message.Publisher, streams, callers int) error {
	var taken atomic.Int64
	var wg sync.WaitGroup
	failed := make(chan error, callers)
	for range callers {
		wg.Go(func() {
			for taken.Add(1) <= int64(streams) {
				stream := watermill.NewUUID()
				for _, size := range []int{createdBytes, answeredBytes} {
					m := message.NewMessage(watermill.NewUUID(), make([]byte, size))
					m.Metadata.Set("stream", stream)
					if err := publisher.Publish(topic, m); err != nil {
						failed <- err
						return
					}
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}
