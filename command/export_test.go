package command

// What the package's own tests look at.
type ControlEvent = controlEvent
type ControlRequest = controlRequest

var SendControl = sendControl
var SocketAddress = socketAddress
