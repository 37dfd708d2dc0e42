// Package programtest drives the whole program as tests see it: the service in this
// process (Start) or in one that can be killed (Spawn), commands beside it (Command,
// Succeed, Refuse), visitors who look at pictures and answer, and a collection of
// small drawn pictures that every test gets a copy of. A package whose tests use it
// calls Main in its TestMain.
package programtest
