//go:build linux

package growth

import "testing"

// TestLiveChallengesAreSmall holds what a live challenge costs a node's heap
// against its goal, with as many as make the tables' own size vanish. It does
// not run beside others: their heap would count.
func TestLiveChallengesAreSmall(t *testing.T) {
	l, err := liveCost(liveChallengesShort)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", l)
	if most := liveGoal + 10.0; perLive(&l) > most || perLive(&l) < 3*16 {
		t.Errorf("a live challenge takes %.0f B of the heap; want from 48, its identifier in three tables, to %.0f: %+v", perLive(&l), most, l)
	}
}

func TestResidentMemoryIsRead(t *testing.T) {
	t.Parallel()
	got, err := parseResident("Name:\tocapi\nVmHWM:\t  200 kB\nVmRSS:\t  100 kB\nRssAnon:\t   60 kB\nRssFile:\t   40 kB\n")
	want := idling{Resident: 100 << 10, Anonymous: 60 << 10, File: 40 << 10, Peak: 200 << 10}
	if err != nil || got != want {
		t.Errorf("parseResident = %+v, %v; want %+v", got, err, want)
	}
	if _, err := parseResident("VmRSS: 1 kB\n"); err == nil {
		t.Error("a status without the other lines was read")
	}
}
