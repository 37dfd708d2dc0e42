// Package e2e tests the whole of Ocapi as its users meet it: the real binary
// as a child process on a data folder of its own, and real pages in headless
// Chromium. It has no code but its tests.
//
// The tests solve challenges truthfully, as an operator could and a visitor
// could not: they read what is on record with "ocapi events --challenge ID".
// Over HTTP they use nothing that a browser or a partner's server would not.
//
// What is shared and what is not:
//
//   - The binary is built once; one server with the demo collection, drawn at
//     its first start, and one browser serve most tests.
//   - What a real server is seldom in (limits, proofs of work, challenges of seconds) comes from an
//     instance within the test, see instance_test.go. Its pages have the strictest policy.
//   - Each test has a browser context of its own (cookies, storage, cache) and
//     a limit in time. A test that kills a server starts its own.
//   - Every page is watched from its first moment: its console, its requests,
//     violations of its content security policy. A test that expects an error
//     says which; any other error fails it.
//
// The states of the widget are told as stories, see stories_test.go, to whoever has to look at each: the
// checker of accessibility (axe-core, which scripts/test-deps fetches), the comparison with the
// accessibility trees in testdata/tree, and the photographer (make screenshots).
//
// Environment: OCAPI_CHROMIUM is the browser to use; OCAPI_SCREENSHOTS is a
// folder, in which pictures of every state of the widget are then put.
package e2e
