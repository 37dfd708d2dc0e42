//go:build linux

package profile

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The stages that the CPU time of a service is split into.
const (
	stageReading    = "HTTP: reading requests, net/http"
	stageWriting    = "HTTP: writing responses"
	stageMiddleware = "middleware, tokens, encoding"
	stageComposing  = "composing, judging, limits"
	stageLookups    = "pictures and look-ups"
	stagePublishing = "publishing and acknowledgement"
	stageClient     = "NATS client: deliveries, acknowledgements"
	stageNATS       = "NATS server"
	stageFollowing  = "following the log, decoding"
	stageProjecting = "projections, statistics, consensus"
	stageArchive    = "archive (SQL)"
	stageGarbage    = "garbage collector"
	stageScheduler  = "Go scheduler and timers"
	stageOther      = "other"
)

// background says where a frame of a goroutine that serves no request belongs.
// The first that fits counts.
var background = []struct {
	part, stage string
}{
	{"ocapi/projections.", stageProjecting},
	{"ocapi/consensus.", stageProjecting},
	{"ocapi/votes.", stageProjecting},
	{"ocapi/usage.", stageProjecting},
	{"ocapi/rate.", stageProjecting},
	{"ocapi/eventstore.(*Archiver)", stageArchive},
	{"ocapi/eventstore.(*Log).Follow", stageFollowing},
	{"ocapi/eventstore.(*Log).follow", stageFollowing},
	{"ocapi/eventstore.(*Log).messages", stageFollowing},
	{"ocapi/eventstore.(*tail", stageFollowing},
	{"ocapi/eventstore.(*follow", stageFollowing},
	{"ocapi/eventstore.Decode", stageFollowing},
	{"ocapi/eventstore.decode", stageFollowing},
	{"ocapi/eventstore.(*Decoder)", stageFollowing},
	{"ocapi/eventstore.", stagePublishing},
	{"main.", stageProjecting},
}

// stageOf says where a stack belongs: of what runs for no request, where the
// frame nearest to the leaf does that says anything. SQL, garbage and NATS' server
// are themselves, whoever caused them.
func stageOf(frames []string) string {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(frames, func(f string) bool {
			return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(f, p) })
		})
	}
	switch {
	case has("runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcAssistAlloc", "runtime.gcStart", "runtime.gcMarkTermination", "runtime.deductSweepCredit"):
		return stageGarbage
	case has("modernc.org/", "database/sql.", "jackc/pgx", "SQLiteArchive", "PostgresArchive"):
		return stageArchive
	case has("net/http.(*conn).serve"):
		return requestStage(has)
	case has("nats-server/v2/server"):
		return stageNATS
	}
	for _, f := range frames {
		for _, rule := range background {
			if strings.HasPrefix(f, rule.part) {
				return rule.stage
			}
		}
	}
	switch {
	case has("nats%2ego", "nats.go"):
		return stageClient
	case has("net/http."): // reads ahead, and the loop that accepts
		return stageReading
	case has("runtime.mcall", "runtime.mstart", "runtime.schedule", "runtime.findRunnable", "runtime.park_m", "runtime.sysmon", "runtime.goexit0", "runtime.rt0_go", "runtime.systemstack", "runtime.morestack"):
		return stageScheduler
	}
	return stageOther
}

// requestStage splits what is done while a request is served.
func requestStage(has func(parts ...string) bool) string {
	switch {
	case has("ocapi/challenges.(*Service).Picture", "ocapi/challenges.(*Service).Status", "ocapi/challenges.(*Service).find", "ocapi/challenges.(*Service).ask"):
		return stageLookups
	case has("ocapi/eventstore.", "nats%2ego"):
		return stagePublishing
	case has("net.(*conn).Write", "net/http.(*response).finishRequest", "net/http.(*response).write", "net/http.(*chunkWriter)", "net/http.checkConnErrorWriter"):
		return stageWriting
	case has("ocapi/challenges.", "ocapi/domain.", "ocapi/rate.", "ocapi/projections."):
		return stageComposing
	case has("ocapi/http.", "go-chi/chi", "main."):
		return stageMiddleware
	}
	return stageReading
}

// StageShare is what one stage took.
type StageShare struct {
	Stage string  `json:"stage"`
	Share float64 `json:"share"`
	CPU   float64 `json:"cpu_us_per_round"`
	Top   string  `json:"most_in"` // the functions that took the most of it, with the runtime's for them
}

// Shares splits a profile into stages, the largest first, and with it what a
// round takes, in µs.
func Shares(samples []stackSample, round float64) []StageShare {
	var total time.Duration
	stages := map[string]time.Duration{}
	leaves := map[string]map[string]time.Duration{}
	for _, s := range samples {
		if len(s.frames) == 0 {
			continue
		}
		stage := stageOf(s.frames)
		total += s.cpu
		stages[stage] += s.cpu
		if leaves[stage] == nil {
			leaves[stage] = map[string]time.Duration{}
		}
		leaves[stage][shortName(tellingFrame(s.frames))] += s.cpu
	}
	var out []StageShare
	for stage, cpu := range stages {
		share := float64(cpu) / float64(max(total, 1))
		out = append(out, StageShare{
			Stage: stage, Share: share, CPU: share * round,
			Top: strings.Join(largest(leaves[stage], 3), ", "),
		})
	}
	slices.SortFunc(out, func(a, b StageShare) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.Stage, b.Stage))
	})
	return out
}

// largest gives the names with the most time.
func largest(of map[string]time.Duration, most int) []string {
	var names []string
	for name := range of {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(of[b], of[a]), strings.Compare(a, b)) })
	return names[:min(most, len(names))]
}

// tellingFrame gives the frame nearest to the leaf that is none of the runtime's:
// that something allocates or makes a system call says little of what it is.
func tellingFrame(frames []string) string {
	for _, f := range frames {
		if !strings.HasPrefix(f, "runtime.") && !strings.HasPrefix(f, "internal/") && !strings.HasPrefix(f, "syscall.") && !strings.HasPrefix(f, "sync.") &&
			!strings.HasPrefix(f, "sync/") && strings.Contains(f, ".") {
			return f
		}
	}
	return frames[0]
}

// shortName leaves out the path of a function's package, and its type parameters.
func shortName(function string) string {
	function, _, _ = strings.Cut(function, "[")
	return strings.ReplaceAll(function[strings.LastIndexByte(function, '/')+1:], "%2e", ".")
}
