package iiif

import (
	"fmt"
	"image"
	"strings"
)

// Service is an image service: it gives any part of a picture in any size.
type Service struct {
	ID            string // its address, without a slash at the end
	Version       int    // of the Image API, 1 to 3
	WholeOnly     bool   // level 0: it cuts and scales nothing
	Width, Height int    // of the picture; 0: not said
}

func readService(v *value) (*Service, bool) {
	s := &Service{ID: strings.TrimRight(v.id(), "/"), Version: 2}
	if !fetchable(s.ID) {
		return nil, false
	}
	context, profile := v.get("@context").first().plain(), ""
	for _, p := range v.get("profile").all() {
		profile += " " + firstText(p.plain(), p.id())
	}
	switch about := context + profile; {
	case v.is("ImageService3") || strings.Contains(about, "api/image/3"):
		s.Version = 3
	case v.is("ImageService1") || strings.Contains(about, "image-api/1") || strings.Contains(about, "image-api/compliance") || strings.Contains(about, "api/image/1"):
		s.Version = 1
	case v.is("ImageService2") || strings.Contains(about, "api/image/2"):
	case context == "" && strings.Contains(profile, "level"):
	default:
		return nil, false // a service of another kind: search, authentication
	}
	s.WholeOnly = strings.Contains(profile, "level0")
	s.Width, s.Height = v.get("width").size(), v.get("height").size()
	return s, true
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// URL gives the address of a part of the picture, in the picture's own pixels;
// an empty one is all of it. It is scaled down to at most longest pixels on its
// longer side, where that is known and not 0, and never up.
func (s *Service) URL(part image.Rectangle, longest int) string {
	region, size := "full", s.whole()
	w, h := s.Width, s.Height
	if !part.Empty() {
		region = fmt.Sprintf("%d,%d,%d,%d", part.Min.X, part.Min.Y, part.Dx(), part.Dy())
		w, h = part.Dx(), part.Dy()
	}
	if longest > 0 && max(w, h) > longest && !s.WholeOnly {
		// One side is given and the other follows: what every level from 1 knows.
		if w >= h {
			size = fmt.Sprintf("%d,", longest)
		} else {
			size = fmt.Sprintf(",%d", longest)
		}
	}
	quality := "default"
	if s.Version == 1 {
		quality = "native"
	}
	return s.ID + "/" + region + "/" + size + "/0/" + quality + ".jpg"
}

// whole is how the size is called that is not scaled.
func (s *Service) whole() string {
	if s.Version == 3 {
		return "max"
	}
	return "full"
}
