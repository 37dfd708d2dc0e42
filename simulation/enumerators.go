package simulation

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Enumeration is what somebody gets who only takes challenges, as many as the
// limits of one client let him.
type Enumeration struct {
	Attacker string `json:"attacker"`
	Hour     int    `json:"in_an_hour"` // challenges in the first hour
	// Day is challenges in a day: the first hour, and the second one 23 times.
	Day int `json:"in_a_day"`
	// Refused is how many answers in the first hour were 429, those among them
	// that asked for work.
	Refused int `json:"refused_in_an_hour"`
	// Hours and CoreSeconds are what the largest number of challenges that
	// watchers were measured after costs: time, and the work of one processor core
	// ([coreSpeed]).
	Hours       float64 `json:"hours_for_all"`
	CoreSeconds float64 `json:"core_seconds_for_all"`
}

// enumerator takes challenges in one way.
type enumerator struct {
	name  string
	every time.Duration // between two requests
	cores float64       // that do what work is asked for; 0: none is done
	means string
}

// coreSpeed is the iterations of PBKDF2 that one core does in a second.
const coreSpeed = 2.5e6

var enumerators = []enumerator{
	{"burst", time.Millisecond, 0, "asks a thousand times in a second and does no work"},
	{"burst, 8 cores", time.Millisecond, 8, "asks as often and does what work is asked for"},
	{"burst, 100 cores", time.Millisecond, 100, "the same with a hundred cores"},
	{"slow", 2 * time.Second, 0, "asks every other second, far below every limit, and never answers"},
}

// admission is the limiter's word about one request.
type admission struct {
	admitted bool
	// Refused: iterations of work, at most, that would let it in; 0: none would.
	// step is what to show then.
	iterations int
	step       int
}

// door is the limiter as an enumerator meets it.
type door interface {
	// ask asks for a challenge, with the step of the work that was done for it, at
	// a time since the beginning.
	ask(now time.Duration, step int) admission
}

// enumerate plays all of them, each alone at a door of its own.
func enumerate(p Params, newDoor func() (door, error)) ([]Enumeration, error) {
	var list []Enumeration
	for i, e := range enumerators {
		d, err := newDoor()
		if err != nil {
			return nil, fmt.Errorf("make a limiter: %w", err)
		}
		list = append(list, e.run(d, p.most(), rand.New(rand.NewPCG(p.Seed, uint64(100+i))))) //nolint:gosec // has to come out alike again
	}
	return list, nil
}

// run plays two hours of the virtual clock.
func (e enumerator) run(d door, all int, rng *rand.Rand) Enumeration {
	r := Enumeration{Attacker: e.name}
	taken, worked := 0, 0.0
	took := func(now time.Duration) {
		taken++
		if now < time.Hour {
			r.Hour = taken
		}
		if taken == all {
			r.Hours, r.CoreSeconds = now.Hours(), worked
		}
	}
	ask := func(now time.Duration, step int) admission {
		a := d.ask(now, step)
		if !a.admitted && now < time.Hour {
			r.Refused++
		}
		return a
	}
	for now := time.Duration(0); now < 2*time.Hour; now += e.every {
		a := ask(now, 0)
		for e.cores > 0 && !a.admitted && a.iterations > 0 {
			// The counter is drawn evenly; all cores look for it together.
			iterations := rng.Float64() * float64(a.iterations)
			worked += iterations / coreSpeed
			now += time.Duration(iterations / (coreSpeed * e.cores) * float64(time.Second))
			a = ask(now, a.step)
		}
		if a.admitted {
			took(now)
		}
	}
	second := taken - r.Hour
	r.Day = r.Hour + 23*second
	if r.Hours == 0 && second > 0 { // as in the second hour, for as long as it takes
		r.Hours = 2 + float64(all-taken)/float64(second)
		r.CoreSeconds = worked * float64(all) / float64(taken)
	}
	return r
}

func (r *Report) writeEnumerators(b *strings.Builder) {
	all := r.Watchers[0].Points[len(r.Watchers[0].Points)-1].Challenges
	fmt.Fprintf(b, "ENUMERATORS: what the limits of one client let anybody take; what %s cost\n\n", grouped(all))
	fmt.Fprintf(b, "%-*s%12s%13s%14s%12s%12s\n", nameWidth+1, "", "in an hour", "in a day", "429s/hour", "hours", "core-s")
	for i, e := range r.Enumerators {
		hours, work := "-", "-"
		if e.Hours > 0 {
			hours, work = fmt.Sprintf("%.2f", e.Hours), fmt.Sprintf("%.0f", e.CoreSeconds)
		}
		fmt.Fprintf(b, "%s%12s%13s%14s%12s%12s\n  %s\n", padded(e.Attacker, nameWidth+1), grouped(e.Hour), grouped(e.Day), grouped(e.Refused), hours, work, enumerators[i].means)
	}
}
