// Package cluster starts the whole of a clustered Ocapi from plain processes on
// loopback: three NATS servers, PostgreSQL, the nodes, and the load balancer,
// with the very configuration files of the folder deploy. make cluster and the
// tests use it; no service does.
//
// Each part is a [Process] that can be killed, stopped and started again. It
// keeps its ports, folders and log over all of that. Parts end with the process
// that started them, however that ends: the kernel sees to it.
package cluster
