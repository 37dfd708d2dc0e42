package consensus

import (
	"fmt"
	"testing"

	"ocapi/domain"
)

func allLogs(t testing.TB) (names []string, list []*challengeLog) {
	for _, set := range []string{"bluebird", "bluebird_bots", "rte", "rte_bots", "dog_kw1", "dog_kw1_bots", "sp_amt", "sp_amt_bots", "product", "product_bots"} {
		names = append(names, set)
		list = append(list, loadLog(t, set))
	}
	dog, sp, trec, web := loadCrowd(t, "dog"), loadCrowd(t, "sp"), loadCrowd(t, "trec"), loadCrowd(t, "web")
	for _, x := range []struct {
		name string
		c    *crowd
		yes  func(string) bool
	}{{"dog0", dog, label("0")}, {"dog2", dog, label("2")}, {"dog3", dog, label("3")}, {"sp", sp, label("1")}, {"trec", trec, label("1")}, {"web4", web, label("4")}, {"web34", web, label("3", "4")}, {"web0", web, label("0")}} {
		for _, bo := range []float64{0, .25} {
			names = append(names, fmt.Sprint(x.name, bo))
			list = append(list, maker{yes: x.yes, seed: 7, bots: bo}.log(x.c))
		}
	}
	return
}

func TestCurve2(t *testing.T) {
	_, ls := allLogs(t)
	for _, th := range []float64{.9, .93, .95, .96, .97, .975, .98, .985, .99, .992, .994, .995, .996, .997, .998, .999} {
		r := DefaultRules()
		r.SettleLabel = th
		var s, w, n, mean, v float64
		for _, l := range ls {
			f := l.model().stopping("", l.questions(), &r)
			q := float64(len(l.questions()))
			n += q
			s += q * f.Settled
			w += q * f.Settled * f.SettledWrong
			mean += f.SettledWrong / float64(len(ls))
			v += q * f.Votes
		}
		fmt.Printf("%.3f settled %.3f wrong %.4f mean %.4f votes %.2f\n", th, s/n, w/s, mean, v/n)
	}
	for n := 2; n < 8; n++ {
		var ta Tally
		for range n {
			ta.Add(&Ballot{Vote: domain.Vote{Type: domain.TypeClassification, Kind: domain.VoteFor}, Gold: Gold{Matches: 3, Hits: 3, NonMatches: 4}}, 1)
		}
		b := Builtin().Belief(Question{"x", "y"}, &ta, Prior{})
		fmt.Println(n, b.Probability, b.Unreadable)
	}
}
