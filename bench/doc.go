//go:build linux

// Command bench measures the real ocapi binary over loopback, beside ceilings
// and alternatives in the same run: challenges created and answered, states and
// images read, a second. README.md says which parts there are and how two runs are
// compared.
//
//	go run ./bench            about ten minutes
//	go run ./bench -short     two minutes, wider spread
//	go run ./bench -only regressions  the ratios alone, with bounds
//	go run ./bench -only replay -replay-events 10000000  the replay by itself
//	go run ./bench -markdown  the table as it stands in the README
//
// It needs Linux (/proc, fdatasync) and Go. Parts need more, and say so where it is not there: widget a Chromium, and npm for what it
// weighs beside; postgres-… PostgreSQL; one of the alternatives Node.
//
// # What is compared
//
// Three programs run beside each other: ocapi with durability fsync, ocapi with
// durability interval, and this binary once more as a bare chi handler, which
// answers one route with a body as long as a challenge and the same headers.
// This process loads one of them at a time over keep-alive connections. All
// share the machine's cores, the load generator included, so only ratios within
// one run mean anything; they are taken round by round, since a noisy
// neighbour then disturbs both sides of a ratio.
//
// Every creation and answer that is counted was acknowledged by the server
// after its durable append. Between stages the archive catches up: the CPU time
// of a stage includes its archiving, and the table says how far the archive was
// behind when the load ended. When all is done the servers are stopped and the
// archives are compared with what was acknowledged.
//
// Then events are committed without HTTP, by 1 to 256 clients: to the log with
// either durability, to the log on a NATS server that syncs by itself, to such a
// server one by one and in atomic batches, and to the archive; beside one
// append and fdatasync after the other.
//
// When the servers have stopped, drawn pages are imported into an empty data
// folder, and the same pages are decoded with nothing else to do, in turn: the
// table says how many images a second that makes, and how many times the
// decoding it takes.
//
// At last a log of a million events is made up in an archive (-replay-events
// sets how many), and "ocapi replay consensus" replays it, in turn with a bare
// scan that reads the same rows by one statement and does nothing with them. The
// table says the ratio of the two rates, and the program's peak of memory.
//
// Three parts measure PostgreSQL, on a server of their own that waits for the
// disk, and say so where the machine has none. postgres-append archives batches,
// in turn with the same rows inserted raw into a bare table and into one with the
// archive's indexes, with challenge ids that begin with the time and with random
// ones. postgres-reading fills an archive (-replay-events), tells what an event
// costs as it grows, and reads it into each projection, beside a raw scan.
// postgres-streams appends creations and their answers, each with what it expects
// of its stream, while the archiver follows, beside raw inserts that check a
// version, and beside watermill-sql, which is a module of its own.
//
// Part widget visits pages with ocapi.js in a Chromium (package widget/stopwatch says what is measured), in turn with the
// processor slowed and not, and has npm fetch the scripts of other captchas, to weigh them.
//
// # What is not
//
// Requests carry the Host header alone (and a token for states); a browser sends
// ten more. Answers are right ones, computed from the archive, so no answer
// issues a further challenge; unknown images are read alike by all. Nothing crosses a network, and there is no TLS.
package main
