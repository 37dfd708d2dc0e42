package client

import (
	"errors"
	"fmt"

	"ocapi/domain"
	"ocapi/rate"
)

// limitFlags are a client's own limit of challenges without a proof of work.
type limitFlags struct {
	Rate  float64 `help:"Challenges a second that it gets without a proof of work, instead of the service's --client-rate; with --burst." `
	Burst int     `help:"Challenges that it gets without one at once; with --rate."`
}

// limit checks the flags; zero is none.
func (f limitFlags) limit() (domain.Limit, error) {
	limit := domain.Limit{PerSecond: f.Rate, Burst: f.Burst}
	if limit == (domain.Limit{}) {
		return limit, nil
	}
	err := rate.Limit(limit).Validate()
	if option, ok := errors.AsType[*rate.OptionError](err); ok {
		flag := "--rate"
		if option.Option == "Burst" {
			flag = "--burst"
		}
		return domain.Limit{}, fmt.Errorf("%s %s", flag, option.Reason)
	}
	return limit, err
}

func sayLimit(limit domain.Limit) string {
	if limit == (domain.Limit{}) {
		return "the service's default"
	}
	return fmt.Sprintf("%g a second and %d at once", limit.PerSecond, limit.Burst)
}

func printLimit(limit domain.Limit) string {
	if limit == (domain.Limit{}) {
		return "-"
	}
	return fmt.Sprintf("%g/s, %d", limit.PerSecond, limit.Burst)
}
