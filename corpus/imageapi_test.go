package corpus_test

import (
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/image/draw"
)

// imageAPI is a small image server: /prefix/identifier/region/size/rotation/quality.format.
// It cuts and scales, and refuses what the Image API does not allow. Documents
// are served from paths.
type imageAPI struct {
	*httptest.Server
	open func(identifier string) (image.Image, error)

	mu        sync.Mutex
	documents map[string][]byte
	pictures  []string // what was asked for, from the region on
	fail      map[string]int
	largest   int // pixels of one answer
}

func newImageAPI(t *testing.T, open func(identifier string) (image.Image, error)) *imageAPI {
	t.Helper()
	api := &imageAPI{open: open, documents: map[string][]byte{}, fail: map[string]int{}}
	api.Server = httptest.NewServer(api)
	t.Cleanup(api.Close)
	return api
}

// jpegs opens the pictures of a folder.
func jpegs(dir string) func(string) (image.Image, error) {
	return func(identifier string) (image.Image, error) {
		f, err := os.Open(filepath.Join(dir, identifier+".jpg"))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return jpeg.Decode(f)
	}
}

func (api *imageAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api.mu.Lock()
	document, isDocument := api.documents[r.URL.Path]
	status := api.fail[r.URL.Path]
	api.mu.Unlock()
	switch {
	case status != 0:
		w.WriteHeader(status)
		return
	case isDocument:
		w.Write(document)
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 5 {
		http.NotFound(w, r)
		return
	}
	n := len(parts)
	img, err := api.open(parts[n-5])
	if err != nil {
		http.NotFound(w, r)
		return
	}
	img, err = cutAndScale(img, parts[n-4], parts[n-3])
	if err == nil && (parts[n-2] != "0" || parts[n-1] != "default.jpg" && parts[n-1] != "native.jpg") {
		err = fmt.Errorf("rotation and quality")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	api.mu.Lock()
	api.pictures = append(api.pictures, strings.Join(parts[n-5:n-2], "/"))
	api.largest = max(api.largest, img.Bounds().Dx()*img.Bounds().Dy())
	api.mu.Unlock()
	w.Header().Set("Content-Type", "image/jpeg")
	jpeg.Encode(w, img, &jpeg.Options{Quality: 85})
}

func cutAndScale(img image.Image, region, size string) (image.Image, error) {
	part := img.Bounds()
	if region != "full" {
		var x, y, w, h int
		if n, err := fmt.Sscanf(region, "%d,%d,%d,%d", &x, &y, &w, &h); n != 4 || err != nil || w <= 0 || h <= 0 {
			return nil, fmt.Errorf("region %s", region)
		}
		if part = image.Rect(x, y, x+w, y+h).Intersect(part); part.Empty() {
			return nil, fmt.Errorf("region %s is outside", region)
		}
	}
	w, h := part.Dx(), part.Dy()
	switch x, y, sides := strings.Cut(size, ","); {
	case size == "full" || size == "max":
	case sides && y == "":
		n, err := strconv.Atoi(x)
		if err != nil || n > w {
			return nil, fmt.Errorf("size %s of %d, %d", size, w, h)
		}
		w, h = n, max(1, h*n/w)
	case sides && x == "":
		n, err := strconv.Atoi(y)
		if err != nil || n > h {
			return nil, fmt.Errorf("size %s of %d, %d", size, w, h)
		}
		w, h = max(1, w*n/h), n
	default:
		return nil, fmt.Errorf("size %s", size)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(out, out.Rect, img, part, draw.Src, nil)
	return out, nil
}

// put serves a document in which HOST stands for the server's own address.
func (api *imageAPI) put(path, document string) {
	api.mu.Lock()
	defer api.mu.Unlock()
	api.documents[path] = []byte(strings.ReplaceAll(document, "HOST", api.URL))
}

// failing lets a path answer with a status; 0 ends it.
func (api *imageAPI) failing(path string, status int) {
	api.mu.Lock()
	defer api.mu.Unlock()
	api.fail[path] = status
}

// asked gives the pictures that were asked for since the last time.
func (api *imageAPI) asked() []string {
	api.mu.Lock()
	defer api.mu.Unlock()
	list := api.pictures
	api.pictures = nil
	return list
}
