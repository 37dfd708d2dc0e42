package node

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"ocapi/pages"
)

// pagesFlags say who may look at the pages on the public address.
type pagesFlags struct {
	Pages             bool     `help:"Serve the pages for partners, institutions and operators on the public address too, to those whom a reverse proxy has signed in. On the operator's own listener they are always there." env:"OCAPI_PAGES"`
	PagesUserHeader   string   `help:"The header in which the proxy tells whom it has signed in. It has to take it out of what comes from outside." default:"X-Remote-User" env:"OCAPI_PAGES_USER_HEADER"`
	PagesTrustedProxy []string `help:"Addresses or networks from which that header is believed, such as 10.0.0.7 or 10.0.0.0/24." sep:"," env:"OCAPI_PAGES_TRUSTED_PROXY"`
	PagesAccess       string   `help:"A file that says who may see what: on each line a user, then client/ID, collection/ID or operator." env:"OCAPI_PAGES_ACCESS"`
}

// validatePages names the setting that is wrong, or the line of the file.
func (c *pagesFlags) validatePages() error {
	if !c.Pages {
		if c.PagesAccess != "" || len(c.PagesTrustedProxy) > 0 {
			return errors.New("--pages is missing: without it --pages-access and --pages-trusted-proxy mean nothing")
		}
		return nil
	}
	if c.PagesAccess == "" {
		return errors.New("--pages-access is missing: nobody would see anything")
	}
	if len(c.PagesTrustedProxy) == 0 {
		return errors.New("--pages-trusted-proxy is missing: nobody could sign in")
	}
	_, err := c.signIn()
	return err
}

func (c *pagesFlags) signIn() (*pages.SignIn, error) {
	proxies, err := c.proxies()
	if err != nil {
		return nil, err
	}
	if !pages.IsHeader(c.PagesUserHeader) {
		return nil, fmt.Errorf("--pages-user-header: %.60q is no name of a header such as X-Remote-User", c.PagesUserHeader)
	}
	who, err := pages.NewSignIn(pages.SignInConfig{Header: c.PagesUserHeader, Proxies: proxies, Access: c.PagesAccess})
	if err != nil {
		return nil, fmt.Errorf("--pages-access: %s: %w", c.PagesAccess, err)
	}
	return who, nil
}

func (c *pagesFlags) proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, s := range c.PagesTrustedProxy {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, addrErr := netip.ParseAddr(s)
			if addrErr != nil {
				return nil, fmt.Errorf("--pages-trusted-proxy: %.60q is neither an address nor a network such as 10.0.0.0/24", s)
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("--pages-trusted-proxy: to trust %s is to believe everybody", s)
		}
		list = append(list, p)
	}
	return list, nil
}

// operatorPages are for the operator's own listener.
func (n *node) operatorPages() (http.Handler, error) {
	return n.newPages(func(*http.Request) (pages.Viewer, error) { return pages.Operator(), nil })
}

// withPages puts the pages before the public API, where that is wanted. They come
// before it because it takes the caller's address away, which says whether a
// proxy's word counts.
func (n *node) withPages(api http.Handler) (http.Handler, error) {
	if !n.cfg.Pages {
		return api, nil
	}
	who, err := n.cfg.signIn()
	if err != nil {
		return nil, err
	}
	site, err := n.newPages(who.Viewer)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path+"/" == pages.Path || strings.HasPrefix(r.URL.Path, pages.Path) {
			site.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	}), nil
}

func (n *node) newPages(viewer func(*http.Request) (pages.Viewer, error)) (http.Handler, error) {
	return pages.New(pages.Config{Source: n.figures, Viewer: viewer, Logger: n.logger, Now: n.env.Clock()})
}
