// Package place is where a service keeps everything: a data folder, which one
// process serves at a time, or a PostgreSQL database and a NATS cluster, which
// several nodes share. It has the flags that name a place, opens what is there, and
// knows the names in a folder, its lock and its keys.
package place
