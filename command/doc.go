// Package command is what all commands of the program have: the world around them
// (Environment), how they run inside the process that serves a data folder
// (WithStores, ServeControl), how they say which moment or event of the past they
// are about, and how they print rows.
package command
