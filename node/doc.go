// Package node is the running service: it opens the stores and the event log,
// starts what runs in the background, serves the public API and the operator's
// listener, and ends all of it in order. Its one command, Serve, has the settings.
//
// A node goes through three stages. It starts: the folder's lock, the stores, the log
// held against the archive, the projections, then the listeners. It serves, and says
// by /readyz whether it can. It stops from the outside in (see stop.go): no new
// requests, requests under way finished, appends flushed, events archived, files
// closed. Whatever was started is stopped, however far the start came.
package node
