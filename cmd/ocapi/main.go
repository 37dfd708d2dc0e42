// Command ocapi is the whole of Ocapi in one binary: the service, and the
// commands that manage its clients and collections and read its events.
package main

import "ocapi/cmd/ocapi/program"

// version is set by the build (see Makefile).
var version = "0.1.0-dev"

func main() { program.Main(version) }
