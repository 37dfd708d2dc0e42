package challenges

import (
	"context"
	"sync/atomic"
	"time"
)

// patience gives appends their time limit. All that begin within a second share
// one, so that there is one timer a second and not one a request. The zero value
// is ready; it is safe for concurrent use.
type patience struct{ current atomic.Pointer[limit] }

// limit is the context of one second.
type limit struct {
	ctx     context.Context
	cancel  context.CancelFunc
	renewed time.Time // from when on there has to be another
}

// sharedFor is how long one limit is given out.
const sharedFor = time.Second

// outlive gives a context that has the values of the caller's, does not end with
// it, and ends after [appendPatience] at the earliest, a second later at the
// latest.
func (p *patience) outlive(caller context.Context) context.Context {
	now := time.Now() // how long from now, not when
	l := p.current.Load()
	if l == nil || now.After(l.renewed) {
		l = p.renew(l, now)
	}
	return outliving{Context: l.ctx, caller: caller}
}

func (p *patience) renew(before *limit, now time.Time) *limit {
	next := &limit{renewed: now.Add(sharedFor)}
	next.ctx, next.cancel = context.WithTimeout(context.Background(), sharedFor+appendPatience)
	if p.current.CompareAndSwap(before, next) {
		return next // it is never cancelled: those who have it go on until it ends by itself
	}
	next.cancel()
	return p.current.Load()
}

// outliving is a limit with a caller's values.
type outliving struct {
	context.Context

	caller context.Context
}

// Value implements [context.Context]. The limit is asked first: package context
// finds there what it ends.
func (o outliving) Value(key any) any {
	if value := o.Context.Value(key); value != nil {
		return value
	}
	return o.caller.Value(key)
}
