package challenges

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

type valueKey struct{}

// TestPatience lets appends begin at different times: each has its time, whatever
// its caller does, and many share a limit.
func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p patience
		caller, hangUp := context.WithCancel(context.WithValue(t.Context(), valueKey{}, "trace"))
		first := p.outlive(caller)
		time.Sleep(sharedFor)
		second := p.outlive(caller)
		time.Sleep(time.Nanosecond)
		third := p.outlive(caller)
		hangUp()
		if first.Err() != nil || first.Value(valueKey{}) != "trace" {
			t.Fatalf("after the caller has left: %v, value %v", first.Err(), first.Value(valueKey{}))
		}
		if first.Done() != second.Done() || second.Done() == third.Done() {
			t.Error("a limit is not shared for a second")
		}
		// What is made of it ends with it, as of any context.
		child, cancel := context.WithCancel(third)
		defer cancel()
		for name, ctx := range map[string]context.Context{"second": second, "third": third, "child": child} {
			deadline, ok := ctx.Deadline()
			if left := time.Until(deadline); !ok || left < appendPatience-1 || left > appendPatience+sharedFor {
				t.Errorf("the %s ends in %v", name, left)
			}
		}
		time.Sleep(appendPatience - 1)
		synctest.Wait()
		if second.Err() == nil || third.Err() != nil {
			t.Errorf("after %v: %v, %v", appendPatience, second.Err(), third.Err())
		}
		time.Sleep(sharedFor + 1)
		synctest.Wait()
		if third.Err() == nil || child.Err() != context.DeadlineExceeded {
			t.Errorf("no end: %v, child %v", third.Err(), child.Err())
		}
	})
}

// TestPatienceIsRenewedOnce has many ask at the moment of renewal; the race
// detector looks on.
func TestPatienceIsRenewedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // nobody is late here
		var p patience
		limits := make(chan (<-chan struct{}), 8)
		for range cap(limits) {
			go func() {
				ctx := p.outlive(context.Background())
				if ctx.Err() != nil {
					t.Error("a limit has ended before it was used")
				}
				limits <- ctx.Done()
			}()
		}
		first := <-limits
		for range cap(limits) - 1 {
			if <-limits != first {
				t.Error("those who came together have different limits")
			}
		}
	})
}
