package node

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

const (
	// drainPatience bounds the wait for requests under way when stopping.
	drainPatience = 15 * time.Second
	// archivePatience bounds the wait for the archiver to catch up when
	// stopping; what is left is archived at the next start, or by another node.
	archivePatience = 5 * time.Second
)

// start serves on a listener until the node stops, and then drains.
func (n *node) start(server *http.Server, listener net.Listener) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			n.logger.Error("a listener has failed", "address", listener.Addr().String(), "error", err)
		}
	}()
	n.drains = append(n.drains, func() {
		server.SetKeepAlivesEnabled(false) // a balancer must not send another request as the connection closes
		ctx, cancel := context.WithTimeout(context.Background(), drainPatience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			n.logIf("cut requests that did not end", server.Close())
		}
		<-ended
	})
}

// stop ends everything from the outside in: no new requests, requests under
// way finished, appends flushed, events archived, the log closed, then files.
// It stops what was started, however far the start came.
func (n *node) stop() {
	n.readiness.set("stopping")
	if len(n.drains) > 0 && n.cfg.DrainDelay > 0 {
		// Requests are answered as before while a load balancer notices.
		time.Sleep(n.cfg.DrainDelay)
	}
	for _, drain := range n.drains {
		drain()
	}
	for _, l := range n.listeners {
		_ = l.Close() // closed already where it was served
	}
	n.work.stop()
	if n.usage != nil {
		n.usage.finish()
	}
	if n.registry != nil {
		n.registry.Stop()
	}
	if n.log != nil {
		n.log.Close()
		n.catchUp()
	}
	if n.stats != nil {
		n.stats.Finish()
		n.daily.Finish()
	}
	if n.annotate != nil {
		n.annotate.Finish()
	}
	n.archiving.stop()
	if n.embedded != nil {
		n.embedded.Stop()
	}
	if n.cluster != nil {
		n.cluster.Close()
	}
	if n.tracing != nil {
		n.logIf("trace the last requests", n.tracing.Stop())
	}
	if n.mark != nil {
		n.logIf("close the mark of the event log", n.mark.Close())
	}
	if n.stores != nil {
		n.logIf("close the databases", n.stores.Close())
	}
	if n.lock != nil {
		n.logIf("give up the data folder's lock", n.lock.Release())
	}
}

// catchUp waits until what was appended is archived.
func (n *node) catchUp() {
	if n.archiver == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), archivePatience)
	defer cancel()
	extent, err := n.log.Extent(ctx)
	for err == nil && n.archiver.Position().Seq < extent.Last {
		if _, failure := n.archiver.Failure(); failure != nil || !sleep(ctx, 5*time.Millisecond) {
			n.logger.Warn("not all events are archived yet; the next start goes on", "archived_up_to", n.archiver.Position().Seq, "logged_up_to", extent.Last)
			return
		}
	}
}
