package pages

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// SignInConfig says how to tell who asks. Everything is needed.
type SignInConfig struct {
	// Header names the header in which the reverse proxy tells the user whom it has
	// signed in.
	Header string
	// Proxies are the addresses from which that header is believed. The proxy has to
	// take the header out of what comes from outside.
	Proxies []netip.Prefix
	// Access names a file that says who may see what; see [ParseAccess]. It is read
	// again when it has changed.
	Access string
}

// SignIn tells who asks by the header of a reverse proxy. It is safe for
// concurrent use.
type SignIn struct {
	cfg SignInConfig

	mu     sync.Mutex
	access Access
	stamp  fileStamp
}

// fileStamp tells one content of a file from another.
type fileStamp struct {
	modified time.Time
	size     int64
}

// Errors that [SignIn.Viewer] tells apart. Both are told to whoever asks.
var (
	// ErrNotSignedIn says that nobody is signed in, or nobody who may see anything.
	ErrNotSignedIn = errors.New("you are not signed in, or there is nothing for you to see")
	// ErrNoAccess says that it cannot be read who may see what; nobody may, then.
	ErrNoAccess = errors.New("it cannot be read who may see which pages")
)

// NewSignIn checks the configuration and reads the file. The errors name what is
// wrong with it.
func NewSignIn(cfg SignInConfig) (*SignIn, error) {
	if !IsHeader(cfg.Header) {
		return nil, fmt.Errorf("%q is no name of a header such as X-Remote-User", cfg.Header)
	}
	if len(cfg.Proxies) == 0 {
		return nil, errors.New("no proxy is trusted: nobody could sign in")
	}
	for _, p := range cfg.Proxies {
		if !p.IsValid() || p.Bits() == 0 {
			return nil, fmt.Errorf("to trust %v is to believe everybody", p)
		}
	}
	s := &SignIn{cfg: cfg}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.read(); err != nil {
		return nil, err
	}
	return s, nil
}

// IsHeader reports whether a name can be that of a header: letters, digits and '-'.
func IsHeader(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '-'
	})
}

// read takes up the file where it has changed. s.mu is held.
func (s *SignIn) read() error {
	info, err := os.Stat(s.cfg.Access)
	if err != nil {
		return withoutPath(err)
	}
	stamp := fileStamp{info.ModTime(), info.Size()}
	if s.access != nil && stamp == s.stamp {
		return nil
	}
	text, err := os.ReadFile(s.cfg.Access)
	if err != nil {
		return withoutPath(err)
	}
	access, err := ParseAccess(string(text))
	if err != nil {
		return err
	}
	s.access, s.stamp = access, stamp
	return nil
}

// withoutPath leaves out the file's name, which whoever is told knows.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// Viewer tells who asks. The request needs its RemoteAddr. The error is
// [ErrNotSignedIn], or wraps [ErrNoAccess] while the file cannot be read: what
// was taken from somebody must not come back because of a slip of the pen, so
// nobody sees anything then.
func (s *SignIn) Viewer(r *http.Request) (Viewer, error) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !s.trusts(from.Addr().Unmap()) {
		return Viewer{}, ErrNotSignedIn
	}
	// More than one is the proxy's and one that came from outside.
	users := r.Header.Values(s.cfg.Header)
	if len(users) != 1 || users[0] == "" {
		return Viewer{}, ErrNotSignedIn
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.read(); err != nil {
		return Viewer{}, fmt.Errorf("%w: %w", ErrNoAccess, err)
	}
	v, ok := s.access[users[0]]
	if !ok {
		return Viewer{}, ErrNotSignedIn
	}
	return v, nil
}

func (s *SignIn) trusts(a netip.Addr) bool {
	for _, p := range s.cfg.Proxies {
		if p.Contains(a.WithZone("")) {
			return true
		}
	}
	return false
}
