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
// It needs Linux (/proc, fdatasync) and Go; of the alternatives, one needs Node.
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
// # What is not
//
// Requests carry the Host header alone (and a token for states); a browser sends
// ten more. Answers are right ones, computed from the archive, so no answer
// issues a further challenge; unknown images are read alike by all. Nothing crosses a network, and there is no TLS.
package main
