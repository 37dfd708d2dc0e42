// Package clients keeps the partners of the service: their public ids and
// aliases, their private ids, and the collections that they are served from.
//
// [Store] reads and changes the tables; the commands use it. [Registry] is what
// a server asks on every request: a copy in memory that follows the tables by
// their revision, which every change raises in its own transaction. A change
// made by any process is in force on every node within one second.
//
// Private ids stand sealed in the tables, with a key of a [Keyring] that is kept
// elsewhere; a store seals those that it makes, a registry opens them all.
//
// A registry's life:
//
//	new --Start--> running --Stop--> stopped
//
// While running, a failing poll leaves the copy as it is: partners are still
// served when the database is away, and Age and Err tell how old the copy is.
package clients
