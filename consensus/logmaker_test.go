package consensus

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ocapi/samplestest"
)

// openTable opens a file of the public data.
func openTable(t testing.TB, file string) *table {
	t.Helper()
	f, err := os.Open(filepath.Join(samplestest.Folder(t, "../consensus-data"), file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	opened, err := newTable(file, f)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// loadLog reads one of the logs of challenges that others have made.
func loadLog(t testing.TB, set string) *challengeLog {
	t.Helper()
	l, err := readLog(openTable(t, "challenge_"+set+".csv"), openTable(t, "challenge_"+set+"_truth.csv"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// loadCrowd reads a set of answers by known workers.
func loadCrowd(t testing.TB, set string) *crowd {
	t.Helper()
	c, err := readCrowd(openTable(t, "label_"+set+".csv"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// maker makes a log of anonymous challenges from answers of known workers: each
// challenge is three known matches, four known non-matches and two unknown tasks
// of one worker, with what that worker really said of them. Then it forgets who
// that was.
type maker struct {
	yes     func(label string) bool // whether a label stands for "shows the keyword"
	bots    float64                 // share of all challenges by who clicks blindly
	repeats int                     // how often the tasks are split anew
	seed    uint64
}

const unknownShare = 0.4 // of the tasks with truth

func (mk maker) log(c *crowd) *challengeLog {
	l := &challengeLog{byTask: make(map[string]int32)}
	byWorker := make([][]CrowdAnswer, len(c.workers.list))
	for _, a := range c.answers {
		if c.truth[a.Task] >= 0 {
			byWorker[a.Worker] = append(byWorker[a.Worker], a)
		}
	}
	yes := make([]bool, len(c.labels.list))
	for i, name := range c.labels.list {
		yes[i] = mk.yes(name)
	}
	for r := range max(mk.repeats, 1) {
		random := rand.New(rand.NewPCG(mk.seed, uint64(r)))
		isKnown := make([]bool, len(c.tasks.list))
		matches, known := 0, 0
		for i := range isKnown {
			if isKnown[i] = c.truth[i] >= 0 && random.Float64() >= unknownShare; isKnown[i] {
				known++
				if yes[c.truth[i]] {
					matches++
				}
			}
		}
		begin := len(l.lines)
		var unknownTasks []int32
		for _, answers := range byWorker {
			var hits, alarms []bool // what the worker said of known tasks, by truth
			var unknown []CrowdAnswer
			for _, a := range answers {
				switch {
				case !isKnown[a.Task]:
					unknown = append(unknown, a)
				case yes[c.truth[a.Task]]:
					hits = append(hits, yes[a.Label])
				default:
					alarms = append(alarms, yes[a.Label])
				}
			}
			if len(hits) < logMatches || len(alarms) < logNonMatches {
				continue
			}
			random.Shuffle(len(unknown), func(i, j int) { unknown[i], unknown[j] = unknown[j], unknown[i] })
			for i := 0; i+1 < len(unknown); i += 2 {
				g := Gold{Matches: logMatches, NonMatches: logNonMatches, Hits: pick(random, hits, logMatches), FalseAlarms: pick(random, alarms, logNonMatches)}
				l.add(g, mk.taskOf(c, l, r, unknown[i], yes), yes[unknown[i].Label], mk.taskOf(c, l, r, unknown[i+1], yes), yes[unknown[i+1].Label])
			}
		}
		for i := range l.tasks {
			if l.prior[i] == 0 {
				l.prior[i] = float64(matches+2) / float64(known+4)
				unknownTasks = append(unknownTasks, int32(i))
			}
		}
		for range int(float64(len(l.lines)-begin) * mk.bots / (1 - mk.bots)) {
			coin := func() bool { return random.IntN(2) == 1 }
			g := Gold{Matches: logMatches, NonMatches: logNonMatches}
			for range logMatches {
				if coin() {
					g.Hits++
				}
			}
			for range logNonMatches {
				if coin() {
					g.FalseAlarms++
				}
			}
			two := [2]int32{unknownTasks[random.IntN(len(unknownTasks))], unknownTasks[random.IntN(len(unknownTasks))]}
			l.add(g, two[0], coin(), two[1], coin())
		}
	}
	rand.New(rand.NewPCG(mk.seed, 99)).Shuffle(len(l.lines), l.swap)
	return l
}

// add adds a challenge; the votes of line i are 2i and 2i+1.
func (l *challengeLog) add(g Gold, first int32, a bool, second int32, b bool) {
	line := int32(len(l.lines))
	l.lines = append(l.lines, logLine{g})
	l.votes = append(l.votes, logVote{line, first, a}, logVote{line, second, b})
}

func (l *challengeLog) swap(i, j int) {
	l.lines[i], l.lines[j] = l.lines[j], l.lines[i]
	for k := range 2 {
		v, w := l.votes[2*i+k], l.votes[2*j+k]
		v.line, w.line = int32(j), int32(i)
		l.votes[2*i+k], l.votes[2*j+k] = w, v
	}
}

func (mk maker) taskOf(c *crowd, l *challengeLog, r int, a CrowdAnswer, yes []bool) int32 {
	i := l.task(fmt.Sprintf("r%d%s", r, c.tasks.list[a.Task]))
	l.truth[i] = 0
	if yes[c.truth[a.Task]] {
		l.truth[i] = 1
	}
	return i
}

// pick counts how many of n different answers are yes.
func pick(random *rand.Rand, answers []bool, n int) uint8 {
	var count uint8
	for _, i := range random.Perm(len(answers))[:n] {
		if answers[i] {
			count++
		}
	}
	return count
}

// label is a log of the label's own: yes is that label, no are the others.
func label(names ...string) func(string) bool {
	return func(l string) bool { return slices.Contains(names, l) }
}
