// Command ocapi is the whole of Ocapi in one binary: the service, and the
// commands that manage its clients and collections and read its events.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build (see Makefile).
var version = "0.1.0-dev"

func main() {
	// The second signal ends the process at once: a stop that hangs can be cut.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ocapi:", err)
		os.Exit(1)
	}
	code := run(&environment{ctx: ctx, stdout: os.Stdout, stderr: os.Stderr, dir: dir, args: os.Args[1:], version: version})
	stop()
	os.Exit(code)
}
