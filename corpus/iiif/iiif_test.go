package iiif_test

import (
	"fmt"
	"image"
	"reflect"
	"strings"
	"testing"

	"ocapi/corpus/iiif"
)

const version3 = `{
 "@context": "http://iiif.io/api/presentation/3/context.json",
 "id": "https://a.example/m", "type": "Manifest",
 "label": {"fr": ["Un livre"], "en": ["A book"]},
 "rights": "http://creativecommons.org/licenses/by/4.0/",
 "requiredStatement": {"label": {"en": ["Credit"]}, "value": {"en": ["<b>A &amp; B</b> Library"]}},
 "provider": [{"id": "https://a.example", "type": "Agent", "label": {"en": ["Not this"]}}],
 "metadata": [{"label": {"de": ["Signatur"]}, "value": {"none": ["Ms. 7"]}}],
 "items": [
  {"id": "https://a.example/c1", "type": "Canvas", "label": {"none": ["p. 1"]}, "width": 1000, "height": 800,
   "items": [{"type": "AnnotationPage", "items": [{"type": "Annotation", "motivation": "painting", "target": "https://a.example/c1",
     "body": {"id": "https://a.example/i1/full/max/0/default.jpg", "type": "Image", "width": 2000, "height": 1600,
       "service": [{"id": "https://a.example/auth", "type": "AuthCookieService1"}, {"id": "https://a.example/i1/", "type": "ImageService3", "profile": "level2"}]}}]}],
   "annotations": [{"id": "https://a.example/l1", "type": "AnnotationPage"}, {"type": "AnnotationPage", "items": [
     {"id": "t1", "type": "Annotation", "motivation": "supplementing", "body": {"type": "TextualBody", "value": "Wort"}, "target": "https://a.example/c1#xywh=10,20,30.5,40"},
     {"id": "t2", "type": "Annotation", "motivation": ["tagging"], "body": [{"type": "TextualBody", "value": "mill"}, {"type": "TextualBody", "purpose": "commenting", "value": "nice"}], "target": "https://a.example/c1"},
     {"id": "t3", "type": "Annotation", "motivation": "commenting", "body": {"type": "TextualBody", "value": "see p. 2"}, "target": "nowhere"},
     {"id": "t4", "type": "Annotation", "motivation": "tagging", "body": {"type": "TextualBody", "value": "x"}, "target": "https://a.example/c1#xywh=1,2,3"},
     {"id": "t5", "type": "Annotation", "motivation": "tagging", "body": {"type": "TextualBody", "value": "ship"},
      "target": {"type": "SpecificResource", "source": {"id": "https://a.example/c1", "type": "Canvas"},
       "selector": {"type": "SvgSelector", "value": "<svg xmlns='http://www.w3.org/2000/svg'><path d='M10,10 l20,0 V50 z'/></svg>"}}}
   ]}]},
  {"id": "https://a.example/c2", "type": "Canvas", "width": 10},
  {"id": "https://a.example/c3", "type": "Canvas", "width": 10, "height": 10, "items": []},
  {"id": "https://a.example/c4", "type": "Canvas", "width": 10, "height": 10,
   "items": [{"items": [{"body": {"type": "Choice", "items": [{"id": "https://a.example/i4.jpg", "type": "Image"}, {"id": "https://a.example/no.jpg", "type": "Image"}]}}]}]}
 ]}`

const version2 = `{"@context": "http:\/\/iiif.io\/api\/presentation\/2\/context.json", "@id": "https://b.example/m", "@type": "sc:Manifest",
 "label": [{"@value": "Llyfr", "@language": "cy-GB"}, {"@value": "Book", "@language": "en"}],
 "attribution": "B Library", "license": "<a href=\"https://b.example/licence\">free</a>",
 "metadata": [{"label": [{"@value": "Cote", "@language": "fr"}], "value": ["A 1", "A 2"]}],
 "sequences": [{"canvases": [{"@id": "https://b.example/c1", "@type": "sc:Canvas", "label": "[i]", "height": 20, "width": 10,
   "images": [{"resource": {"@id": "https://b.example/i/full/full/0/default.jpg", "@type": "dctypes:Image",
     "service": {"@context": "http://iiif.io/api/image/2/context.json", "@id": "https://b.example/i", "profile": ["http://iiif.io/api/image/2/level0.json", {"formats": ["jpg"]}], "height": 40, "width": 20}}}],
   "otherContent": [{"@id": "https://b.example/list.json", "@type": "sc:AnnotationList"}]}]}, {"canvases": [{"@id": "other order"}]}]}`

const list2 = `{"@context": "http://iiif.io/api/presentation/2/context.json", "@id": "https://b.example/list.json", "@type": "sc:AnnotationList", "resources": [
 {"@id": "o1", "@type": "oa:Annotation", "motivation": "sc:painting", "resource": {"@type": "cnt:ContentAsText", "chars": "Wort"}, "on": "https://b.example/c1#xywh=1,2,3,4"},
 {"@id": "o2", "@type": "oa:Annotation", "motivation": ["oa:commenting", "oa:tagging"], "resource": [{"@type": "oa:Tag", "chars": "<p>mill</p>"}, {"@type": "dctypes:Text", "chars": "nice"}],
  "on": [{"@type": "oa:SpecificResource", "full": "https://b.example/c1", "selector": {"@type": "oa:Choice",
   "default": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,5,6"}, "item": {"@type": "oa:SvgSelector", "value": "<svg><polygon points='1,2 6,2 6,8'/></svg>"}}}]}
]}`

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     iiif.Manifest
	}{
		{"version 3", version3, iiif.Manifest{
			ID: "https://a.example/m", Label: "A book", Credit: "A & B Library", Licence: "http://creativecommons.org/licenses/by/4.0/", ShelfMark: "Ms. 7",
			Canvases: []iiif.Canvas{
				{
					ID: "https://a.example/c1", Label: "p. 1", Width: 1000, Height: 800, Line: 10, Lists: []string{"https://a.example/l1"},
					Picture: iiif.Picture{
						Address: "https://a.example/i1/full/max/0/default.jpg", Width: 2000, Height: 1600,
						Service: &iiif.Service{ID: "https://a.example/i1", Version: 3},
					},
					Annotations: []iiif.Annotation{
						{ID: "t1", Canvas: "https://a.example/c1", Box: image.Rect(10, 20, 41, 60), Texts: []string{"Wort"}, Line: 15},
						{ID: "t2", Canvas: "https://a.example/c1", Labels: []string{"mill"}, Line: 16},
						{ID: "t5", Canvas: "https://a.example/c1", Box: image.Rect(10, 10, 30, 50), Outline: []image.Point{{10, 10}, {30, 10}, {30, 50}}, Labels: []string{"ship"}, Line: 19},
					},
				},
				{ID: "https://a.example/c4", Width: 10, Height: 10, Line: 25, Picture: iiif.Picture{Address: "https://a.example/i4.jpg"}},
			},
			Problems: []iiif.Problem{
				{Line: 18, Reason: `the annotation "t4": its part "1,2,3" is no box`},
				{Line: 23, Reason: `the canvas "https://a.example/c2" does not say how large it is`},
				{Line: 24, Reason: `the canvas "https://a.example/c3" shows no picture`},
			},
		}},
		{"version 2", version2, iiif.Manifest{
			ID: "https://b.example/m", Label: "Book", Credit: "B Library", Licence: "https://b.example/licence", ShelfMark: "A 1; A 2",
			Canvases: []iiif.Canvas{{
				ID: "https://b.example/c1", Label: "[i]", Width: 10, Height: 20, Line: 5, Lists: []string{"https://b.example/list.json"},
				Picture: iiif.Picture{
					Address: "https://b.example/i/full/full/0/default.jpg",
					Service: &iiif.Service{ID: "https://b.example/i", Version: 2, WholeOnly: true, Width: 20, Height: 40},
				},
			}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !iiif.Likely([]byte(c.in)) {
				t.Error("it is not taken for a manifest")
			}
			got, err := iiif.Read([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got  %+v\nwant %+v", *got, c.want)
				for i := range got.Canvases {
					t.Logf("%+v %+v", got.Canvases[i].Picture.Service, got.Canvases[i])
				}
			}
		})
	}
}

func TestReadAnnotations(t *testing.T) {
	t.Parallel()
	got, err := iiif.ReadAnnotations([]byte(list2))
	want := &iiif.Page{Annotations: []iiif.Annotation{
		{ID: "o1", Canvas: "https://b.example/c1", Box: image.Rect(1, 2, 4, 6), Texts: []string{"Wort"}, Line: 2},
		{ID: "o2", Canvas: "https://b.example/c1", Box: image.Rect(1, 2, 6, 8), Outline: []image.Point{{1, 2}, {6, 2}, {6, 8}}, Labels: []string{"mill"}, Line: 3},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	next, err := iiif.ReadAnnotations([]byte(`{"type": "AnnotationPage", "next": {"id": "https://a.example/2"}, "items": []}`))
	if err != nil || next.Next != "https://a.example/2" {
		t.Errorf("next = %+v, %v", next, err)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "line 1: it is no JSON that can be read: it ends early"},
		{"no JSON", "{\n\"id\": x}", "line 2: it is no JSON that can be read: invalid character"},
		{"a truncated file", "{\n\"id\":\n\"a\"", "line 3: it is no JSON that can be read"},
		{"too deep", strings.Repeat("[\n", 100_000), "line 65: it is no JSON that can be read: it is nested deeper than 64"},
		{"two documents", "{\"type\":\"Manifest\"}\n{}", "line 2: it is no JSON that can be read: there is more"},
		{"not UTF-8", "{\"id\":\"\xff\"}", "not valid UTF-8"},
		{"an endless text", `{"id":"` + strings.Repeat("x", 64<<10+1) + `"}`, "a text has more than"},
		{"too many values", "[" + strings.Repeat("1,", 2_000_000) + "1]", "more than 2000000 values"},
		{"a collection", `{"type": "Collection"}`, "a collection of manifests"},
		{"something else", `{"type": "Feature"}`, "no IIIF manifest"},
		{"a list", `[]`, "no IIIF manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := iiif.Read([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want %q", err, c.says)
			}
		})
	}
	if _, err := iiif.ReadAnnotations([]byte(version2)); err == nil || !strings.Contains(err.Error(), "no page of annotations") {
		t.Errorf("a manifest as annotations: %v", err)
	}
}

func TestSelectorsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, target, says string }{
		{"percent", `"c#xywh=percent:1,2,3,4"`, "percent"},
		{"no number", `"c#xywh=1,2,x,4"`, "no box"},
		{"NaN", `"c#xywh=NaN,2,3,4"`, "no box"},
		{"no width", `"c#xywh=1,2,0,4"`, "anything in it"},
		{"a huge number", `"c#xywh=1,2,1e300,4"`, "anything in it"},
		{"a point", `{"source": "c", "selector": {"type": "PointSelector", "x": 1, "y": 2}}`, "a point"},
		{"an empty drawing", `{"source": "c", "selector": {"type": "SvgSelector", "value": "<svg/>"}}`, "neither polygon"},
		{"a broken drawing", `{"source": "c", "selector": {"type": "SvgSelector", "value": "<svg"}}`, "no SVG"},
		{"NaN in a drawing", `{"source": "c", "selector": {"type": "SvgSelector", "value": "<svg><polygon points='NaN,1 2,3 4,5'/></svg>"}}`, "out of reach"},
		{"two points", `{"source": "c", "selector": {"type": "SvgSelector", "value": "<svg><polygon points='1,1 2,3'/></svg>"}}`, "too few points"},
		{"another command", `{"source": "c", "selector": {"type": "SvgSelector", "value": "<svg><path d='M1,1 x2,2'/></svg>"}}`, "no number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := iiif.ReadAnnotations([]byte(fmt.Sprintf(
				`{"type": "AnnotationPage", "items": [{"id": "a", "motivation": "tagging", "body": {"type": "TextualBody", "value": "v"}, "target": %s}]}`, c.target)))
			if err != nil || len(p.Annotations) != 0 || len(p.Problems) != 1 || !strings.Contains(p.Problems[0].Reason, c.says) {
				t.Errorf("got %+v, %v, want %q", p, err, c.says)
			}
		})
	}
}

func TestServiceURL(t *testing.T) {
	t.Parallel()
	part := image.Rect(10, 20, 310, 120)
	for _, c := range []struct {
		name    string
		service iiif.Service
		part    image.Rectangle
		longest int
		want    string
	}{
		{"all, version 3", iiif.Service{Version: 3, Width: 100, Height: 50}, image.Rectangle{}, 0, "/full/max/0/default.jpg"},
		{"all, version 2", iiif.Service{Version: 2, Width: 100, Height: 50}, image.Rectangle{}, 200, "/full/full/0/default.jpg"},
		{"all, version 1", iiif.Service{Version: 1, Width: 100, Height: 50}, image.Rectangle{}, 0, "/full/full/0/native.jpg"},
		{"made smaller", iiif.Service{Version: 3, Width: 100, Height: 500}, image.Rectangle{}, 200, "/full/,200/0/default.jpg"},
		{"a part", iiif.Service{Version: 2, Width: 1000, Height: 500}, part, 400, "/10,20,300,100/full/0/default.jpg"},
		{"a part made smaller", iiif.Service{Version: 2, Width: 1000, Height: 500}, part, 150, "/10,20,300,100/150,/0/default.jpg"},
		{"a size that is not known", iiif.Service{Version: 2}, image.Rectangle{}, 150, "/full/full/0/default.jpg"},
		{"a server that does not scale", iiif.Service{Version: 3, WholeOnly: true, Width: 1000, Height: 500}, image.Rectangle{}, 150, "/full/max/0/default.jpg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.service.ID = "https://a.example/i"
			if got := c.service.URL(c.part, c.longest); got != "https://a.example/i"+c.want {
				t.Errorf("URL = %s, want %s", got, c.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(version3))
	f.Add([]byte(version2))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := iiif.Read(data)
		if err != nil {
			return
		}
		for _, c := range m.Canvases {
			if c.ID == "" || c.Width <= 0 || c.Height <= 0 || c.Picture.Address == "" && c.Picture.Service == nil {
				t.Errorf("canvas = %+v", c)
			}
			checkAll(t, c.Annotations)
		}
	})
}

func FuzzReadAnnotations(f *testing.F) {
	f.Add([]byte(list2))
	f.Add([]byte(`{"type": "AnnotationPage", "items": [{"motivation": "tagging", "body": "x", "target": {"source": "c", "selector": {"type": "SvgSelector", "value": "<svg><path d='M1-1h5v6z m1 1'/></svg>"}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := iiif.ReadAnnotations(data); err == nil {
			checkAll(t, p.Annotations)
		}
	})
}

func checkAll(t *testing.T, annotations []iiif.Annotation) {
	t.Helper()
	for _, a := range annotations {
		if len(a.Texts)+len(a.Labels) == 0 || len(a.Outline) > 0 && (len(a.Outline) < 3 || a.Box.Empty()) {
			t.Errorf("annotation = %+v", a)
		}
	}
}
