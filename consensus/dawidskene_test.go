package consensus

import "testing"

func TestDS(t *testing.T) {
	for _, set := range []string{"product", "bluebird", "dog", "rte", "web", "trec", "sp", "sp_amt"} {
		c := loadCrowd(t, set)
		d, err := FitDawidSkene(c.answers, len(c.tasks.list), len(c.workers.list), len(c.labels.list))
		if err != nil {
			t.Fatal(err)
		}
		n, right := 0, 0
		for i, z := range c.truth {
			if z >= 0 {
				n++
				best := 0
				row := d.Posterior[i*d.Labels:][:d.Labels]
				for j := range row {
					if row[j] > row[best] {
						best = j
					}
				}
				if best == int(z) {
					right++
				}
			}
		}
		t.Log(set, float64(right)/float64(n), n, d.Rounds)
	}
}
