//go:build linux

package cluster

// TestBinaries shows the tests of the package's outside what those of its inside
// build, once for all.
var TestBinaries = theBinaries
