// Package stopwatch measures, in a real Chromium, how soon a visitor can use ocapi.js and what it makes
// them download.
//
// The moments, all on the page's own clock (performance.now):
//
//   - script: the browser begins to fetch the script, at its tag.
//   - response: the last byte of the response of GET /challenge has arrived (responseEnd of its
//     PerformanceResourceTiming). It is noted outside of the page's thread, so that a page that is too busy
//     to notice the response loses time, and does not win any.
//   - ready: the widget has built its controls and says so (the event ocapi-challenge-ready).
//   - shown: the first frame with the controls has been laid out and painted, and the page's thread is free again.
//   - usable: a control has handled input. The input is real: at shown, the page gives a sign, and the
//     program that drives the browser sends a click into the middle of the first picture, or a click into
//     the first text field and then a key. Usable is when the picture is marked as selected, or when the
//     field holds the letter. So it includes the way of the sign and of the input between two processes,
//     which a person's hand does not take; Reading.Echo says how long that is.
//   - pictures: all of the challenge's pictures are loaded and decoded, and a frame with them is painted.
//
// "Interactive" is usable minus response. Pictures are on their way meanwhile: a text field takes letters
// before its picture is there, so interactive does not wait for them, and pictures is told beside it.
//
// Slowing is that of the browser's developer tools (Emulation.setCPUThrottlingRate): the page's main thread
// stands still so often that it gets one part in n of the time. The browser's other threads and processes, and the
// network, are not slowed.
package stopwatch
