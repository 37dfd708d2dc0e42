//go:build linux

package profile

import (
	"testing"
	"time"
)

func TestStagesOfStacks(t *testing.T) {
	t.Parallel()
	serve := []string{"ocapi/http.(*server).challenge", "github.com/go-chi/chi/v5.(*Mux).ServeHTTP", "net/http.(*conn).serve"}
	under := func(leaf ...string) []string { return append(leaf, serve...) }
	tests := []struct {
		frames []string
		want   string
	}{
		{under("runtime.memmove"), stageMiddleware},
		{under("ocapi/domain.Compose", "ocapi/challenges.(*Service).issue"), stageComposing},
		{under("ocapi/eventstore.(*Log).Append", "ocapi/challenges.(*Service).append"), stagePublishing},
		{under("runtime.gcAssistAlloc", "ocapi/domain.Compose"), stageGarbage},
		{under("internal/runtime/syscall.Syscall6", "internal/poll.(*FD).Write", "net.(*conn).Write"), stageWriting},
		{under("ocapi/challenges.(*Service).Picture"), stageLookups},
		{under("ocapi/eventstore.decodeCreated", "ocapi/eventstore.(*Log).Last", "ocapi/challenges.(*Service).find"), stageLookups},
		{[]string{"syscall.Syscall", "net/http.(*response).finishRequest", "net/http.(*conn).serve"}, stageWriting},
		{[]string{"bufio.(*Reader).ReadSlice", "net/http.(*conn).readRequest", "net/http.(*conn).serve"}, stageReading},
		{[]string{"modernc.org/sqlite/lib.X", "ocapi/eventstore.(*Archiver).write", "ocapi/eventstore.(*Log).Follow"}, stageArchive},
		{[]string{"ocapi/eventstore.DecodeEvent", "ocapi/eventstore.(*Log).follow", "ocapi/eventstore.(*Archiver).run"}, stageFollowing},
		{[]string{"ocapi/projections.(*States).Apply", "ocapi/eventstore.(*Log).Follow", "main.(*keeper).run"}, stageProjecting},
		{[]string{"github.com/nats-io/nats%2ego.(*Conn).readLoop"}, stageClient},
		{[]string{"os.(*File).Sync", "github.com/nats-io/nats-server/v2/server.(*msgBlock).flush"}, stageNATS},
		{[]string{"github.com/nats-io/nats%2ego.(*Conn).publish", "ocapi/eventstore.(*Log).publishBatch"}, stagePublishing},
		{[]string{"runtime.futex", "runtime.findRunnable", "runtime.mcall"}, stageScheduler},
		{[]string{"strange.thing"}, stageOther},
	}
	for _, test := range tests {
		if got := stageOf(test.frames); got != test.want {
			t.Errorf("%v: got %q, want %q", test.frames, got, test.want)
		}
	}
}

func TestSharesAddUp(t *testing.T) {
	t.Parallel()
	got := Shares([]stackSample{
		{frames: []string{"a/b.Leaf", "modernc.org/x"}, cpu: 30 * time.Millisecond},
		{frames: []string{"runtime.mallocgc", "internal/x.Y", "a/b.Other[go.shape.a/b.c]", "modernc.org/x"}, cpu: 30 * time.Millisecond},
		{frames: []string{"runtime.schedule"}, cpu: 20 * time.Millisecond},
		{cpu: time.Hour}, // a stack that nobody knows anything of
	}, 8000)
	want := []StageShare{{stageArchive, 0.75, 6000, "b.Leaf, b.Other"}, {stageScheduler, 0.25, 2000, "runtime.schedule"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
