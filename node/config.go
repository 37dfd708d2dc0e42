package node

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"ocapi/clients"
	"ocapi/consensus"
	"ocapi/domain"
	"ocapi/eventstore"
	"ocapi/place"
	"ocapi/rate"
)

// Serve is the configuration of the service: each field is a flag and an
// environment variable.
type Serve struct {
	Listen      string `help:"Where the public API listens." default:"127.0.0.1:8080" env:"OCAPI_LISTEN"`
	AdminListen string `help:"Where metrics and profiles are; a loopback address. Default: the public port plus one on 127.0.0.1, or any free port." env:"OCAPI_ADMIN_LISTEN"`
	place.Flags
	place.NATSFlags
	pagesFlags
	place.KeyFlags
	TestClients bool          `help:"Serve the three test clients, whose private ids everybody knows: for the tests of websites." env:"OCAPI_TEST_CLIENTS"`
	Migrate     bool          `help:"Apply pending migrations of the database at start." env:"OCAPI_MIGRATE"`
	DrainDelay  time.Duration `help:"How long the service says that it is not ready before it stops taking requests: longer than a load balancer needs to notice." default:"0s" env:"OCAPI_DRAIN_DELAY"`

	Durability  string        `help:"fsync: what is acknowledged is on disk. interval: a power cut may lose the last 100 ms." default:"fsync" enum:"fsync,interval" env:"OCAPI_DURABILITY"`
	LogMaxBytes int64         `help:"The most the event log may hold before it is archived and trimmed, in bytes." default:"2147483648" env:"OCAPI_LOG_MAX_BYTES"`
	TrimMargin  time.Duration `help:"How much longer than a challenge's life events stay in the log: the archive's recovery point." default:"1h" env:"OCAPI_TRIM_MARGIN"`

	PictureCacheBytes int64 `help:"How many bytes of pictures are kept in memory: one that is not costs about twice the processor time. The process takes up to twice as much." default:"33554432" env:"OCAPI_PICTURE_CACHE_BYTES"`

	ClientRate        float64 `help:"Challenges a second that one client gets without a proof of work, sustained." default:"100" env:"OCAPI_CLIENT_RATE"`
	ClientBurst       int     `help:"Challenges that one client gets without one at once." default:"1000" env:"OCAPI_CLIENT_BURST"`
	ClientProvenRate  float64 `help:"Challenges a second that one client gets for proofs of work beside those, sustained." default:"800" env:"OCAPI_CLIENT_PROVEN_RATE"`
	ClientProvenBurst int     `help:"Challenges that one client gets for proofs of work at once." default:"96000" env:"OCAPI_CLIENT_PROVEN_BURST"`
	TotalRate         float64 `help:"Challenges a second for all clients together without a proof of work, sustained." default:"2000" env:"OCAPI_TOTAL_RATE"`
	TotalBurst        int     `help:"Challenges for all clients together without one at once." default:"10000" env:"OCAPI_TOTAL_BURST"`
	TotalProvenRate   float64 `help:"Challenges a second for all clients together for proofs of work, sustained." default:"2000" env:"OCAPI_TOTAL_PROVEN_RATE"`
	TotalProvenBurst  int     `help:"Challenges for all clients together for proofs of work at once." default:"240000" env:"OCAPI_TOTAL_PROVEN_BURST"`
	AudioShare        float64 `help:"Part of a client's limits that its audio challenges get, beside the others, from above 0 to 1." default:"0.2" env:"OCAPI_AUDIO_SHARE"`

	WhollyKnown float64 `help:"Share of challenges in which every image counts, from 0 to less than 1." default:"0.10" env:"OCAPI_WHOLLY_KNOWN"`
	Sentinels   float64 `help:"Share of unknown places that hold an image with trusted truth, from 0 to less than 1." default:"0.02" env:"OCAPI_SENTINELS"`

	Consensus          bool    `help:"Count the votes on the node that archives, and decide by them which images are done." default:"true" negatable:"" env:"OCAPI_CONSENSUS"`
	ConsensusErrorRate float64 `help:"The share of accepted labels that may be wrong, as measured on public data, from 0.0075 to 0.042. A smaller one costs votes." default:"0.01" env:"OCAPI_CONSENSUS_ERROR_RATE"`

	Horizon    int      `help:"Challenges that somebody is taken to watch at most, those of all visitors together: for as long known and unknown images cannot be told apart. More of them cost votes per image." default:"20000" env:"OCAPI_HORIZON"`
	SmallPools bool     `help:"Serve also collections that have too few images to hide which of them are known." env:"OCAPI_SMALL_POOLS"`
	Voices     []string `help:"Folders of recordings for audio challenges, with a folder for each language in them, or LANGUAGE=FOLDER." sep:"," env:"OCAPI_VOICES"`

	Demo      bool   `help:"Offer the demonstration even when the address is not a loopback one or there are collections." env:"OCAPI_DEMO"`
	PublicURL string `help:"The address under which browsers reach the service, for the demonstration. Default: the listening address." env:"OCAPI_PUBLIC_URL"`
	LogLevel  string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"OCAPI_LOG_LEVEL"`

	LogFormat     string  `help:"text or json: how the log is written." default:"text" enum:"text,json" env:"OCAPI_LOG_FORMAT"`
	LogRequests   bool    `help:"Write a line for each request: its route, status and time, never its caller." env:"OCAPI_LOG_REQUESTS"`
	MetricsListen string  `help:"Where /metrics alone is served besides, for a Prometheus on another machine of a closed network. Default: nowhere." env:"OCAPI_METRICS_LISTEN"`
	OTLPEndpoint  string  `name:"otlp-endpoint" help:"The collector that gets traces, by OTLP over HTTP, such as http://127.0.0.1:4318. Default: none." env:"OCAPI_OTLP_ENDPOINT"`
	TraceRatio    float64 `help:"Part of the requests that are traced, above 0 to 1." default:"0.01" env:"OCAPI_TRACE_RATIO"`
}

// Bounds of the settings.
const (
	minLogMaxBytes       = 64 << 20 // less is full within seconds of load
	maxLogMaxBytes       = 1 << 50  // a petabyte: what is more is a slip of the pen
	maxPictureCacheBytes = 1 << 40  // more than machines have
	maxTrimMargin        = 7 * 24 * time.Hour
	maxDrainDelay        = 5 * time.Minute // whoever stops a process kills it sooner
)

// validate checks every setting and the rules between them; errors name the
// setting and its bound.
func (c *Serve) validate() error {
	if err := place.Together(c.Flags, c.NATSFlags); err != nil {
		return err
	}
	if err := c.KeyFlags.Validate(); err != nil {
		return err
	}
	if c.Shared() && !c.KeyFlags.Given() {
		return fmt.Errorf("--secrets-key-file: the nodes of a shared database need the same keys: %w", clients.ErrNoKey)
	}
	if c.DrainDelay < 0 || c.DrainDelay > maxDrainDelay {
		return fmt.Errorf("--drain-delay: %v is not from 0 to %v", c.DrainDelay, maxDrainDelay)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("--listen: %q is not an address such as 127.0.0.1:8080: %w", c.Listen, err)
	}
	if c.AdminListen != "" && !loopback(c.AdminListen) {
		return fmt.Errorf("--admin-listen: %q is not a loopback address; what it shows is not for the network", c.AdminListen)
	}
	if _, _, err := net.SplitHostPort(c.MetricsListen); c.MetricsListen != "" && err != nil {
		return fmt.Errorf("--metrics-listen: %q is not an address such as 10.0.0.7:9100: %w", c.MetricsListen, err)
	}
	if err := c.validateTraces(); err != nil {
		return err
	}
	if c.LogMaxBytes < minLogMaxBytes {
		return fmt.Errorf("--log-max-bytes: %d is less than %d", c.LogMaxBytes, minLogMaxBytes)
	}
	if c.LogMaxBytes > maxLogMaxBytes {
		return fmt.Errorf("--log-max-bytes: %d is more than %d", c.LogMaxBytes, int64(maxLogMaxBytes))
	}
	if c.PictureCacheBytes < 0 || c.PictureCacheBytes > maxPictureCacheBytes {
		return fmt.Errorf("--picture-cache-bytes: %d is not from 0 to %d", c.PictureCacheBytes, int64(maxPictureCacheBytes))
	}
	if c.TrimMargin < 0 || c.TrimMargin > maxTrimMargin {
		return fmt.Errorf("--trim-margin: %v is not from 0 to %v", c.TrimMargin, maxTrimMargin)
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("--public-url: %q is not an address such as https://ocapi.example.org", c.PublicURL)
	}
	if err := c.validateLimits(); err != nil {
		return err
	}
	if err := c.validatePages(); err != nil {
		return err
	}
	for _, share := range []struct {
		flag  string
		value float64
	}{{"--wholly-known", c.WhollyKnown}, {"--sentinels", c.Sentinels}} {
		// Written so that NaN is refused too.
		if !(share.value >= 0 && share.value < 1) {
			return fmt.Errorf("%s: %g is not a share of at least 0 and less than 1", share.flag, share.value)
		}
	}
	if _, err := consensus.RulesFor(c.ConsensusErrorRate); err != nil {
		return fmt.Errorf("--consensus-error-rate: %w", err)
	}
	if c.Horizon < 1 {
		return fmt.Errorf("--horizon: %d is not a number of challenges from 1", c.Horizon)
	}
	return c.dealing().Validate()
}

// validateLimits names the flags, which package rate does not know.
func (c *Serve) validateLimits() error {
	err := c.limits().Validate()
	option, ok := errors.AsType[*rate.OptionError](err)
	if !ok {
		return err
	}
	flag := map[string]string{
		"Free": "--client", "Proven": "--client-proven", "TotalFree": "--total", "TotalProven": "--total-proven", "AudioShare": "--audio-share",
	}[option.Of]
	switch option.Option {
	case "PerSecond":
		flag += "-rate"
	case "Burst":
		flag += "-burst"
	}
	return fmt.Errorf("%s %s", flag, option.Reason)
}

func (c *Serve) limits() rate.Config {
	return rate.Config{
		Free:        rate.Limit{PerSecond: c.ClientRate, Burst: c.ClientBurst},
		Proven:      rate.Limit{PerSecond: c.ClientProvenRate, Burst: c.ClientProvenBurst},
		TotalFree:   rate.Limit{PerSecond: c.TotalRate, Burst: c.TotalBurst},
		TotalProven: rate.Limit{PerSecond: c.TotalProvenRate, Burst: c.TotalProvenBurst},
		AudioShare:  c.AudioShare,
	}
}

func (c *Serve) dealing() domain.Dealing {
	d := domain.DefaultDealing()
	d.WhollyKnownShare, d.SentinelShare, d.Horizon = c.WhollyKnown, c.Sentinels, c.Horizon
	return d
}

func (c *Serve) durability() eventstore.Durability {
	d, _ := eventstore.ParseDurability(c.Durability) // the command line allows no other
	return d
}

// loopback reports whether an address to listen on can be reached from this
// machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// unknownVariables lists variables that look like settings and are none: a
// misspelt one would silently do nothing.
func unknownVariables(environ []string, known []string) []string {
	var unknown []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "OCAPI_") && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// settingVariables lists the variables that mean something: those of the
// settings, and those that the project's own tests and tools use.
func settingVariables() []string {
	names := []string{"OCAPI_SAMPLES", "OCAPI_TEST_DATABASE_URL", "OCAPI_CHROMIUM", "OCAPI_SCREENSHOTS"}
	var collect func(t reflect.Type)
	collect = func(t reflect.Type) {
		for i := range t.NumField() {
			if f := t.Field(i); f.Anonymous {
				collect(f.Type)
			} else if name := f.Tag.Get("env"); name != "" {
				names = append(names, name)
			}
		}
	}
	collect(reflect.TypeFor[Serve]())
	return names
}
