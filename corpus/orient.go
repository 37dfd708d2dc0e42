package corpus

import (
	"encoding/binary"
	"image"
	"image/draw"
)

// orientation says how a picture has to be turned to be seen as it was taken:
// cameras store it as the sensor was held and write down which way is up. The
// values are those of TIFF and Exif; zero and values that are none mean that
// nothing is to be done.
type orientation uint16

const (
	upright     orientation = 1
	lastTurning orientation = 8
)

// Where the orientation is written.
const (
	orientationTag = 0x0112
	typeShort      = 3
	ifdEntryBytes  = 12

	// maxTagEntries bounds the entries that are looked at; cameras write thirty.
	maxTagEntries = 512
)

// turned reports whether the picture has to be changed at all.
func (o orientation) turned() bool { return o > upright && o <= lastTurning }

// sideways reports whether width and height change places.
func (o orientation) sideways() bool { return o >= 5 && o <= lastTurning }

// orientationOf finds the orientation in a JPEG's Exif part or a TIFF's first
// directory. Whatever cannot be read means that the picture is upright: it is
// no reason to refuse it.
func orientationOf(formatName string, data []byte) orientation {
	switch formatName {
	case "JPEG":
		return tiffOrientation(exifOf(data))
	case "TIFF":
		return tiffOrientation(data)
	}
	return upright
}

// exifOf gives the TIFF structure in a JPEG's first Exif segment, or nil.
func exifOf(data []byte) []byte {
	const (
		marker     = 0xff
		app1       = 0xe1
		scan       = 0xda // from here on there are no segments
		exifHeader = "Exif\x00\x00"
	)
	data = data[min(2, len(data)):] // the start of image
	for len(data) >= 4 && data[0] == marker {
		kind := data[1]
		if kind == marker { // a fill byte
			data = data[1:]
			continue
		}
		size := int(binary.BigEndian.Uint16(data[2:]))
		if kind == scan || size < 2 || size+2 > len(data) {
			return nil
		}
		segment := data[4 : size+2]
		if kind == app1 && len(segment) > len(exifHeader) && string(segment[:len(exifHeader)]) == exifHeader {
			return segment[len(exifHeader):]
		}
		data = data[size+2:]
	}
	return nil
}

// tiffOrientation reads the orientation out of a TIFF structure.
func tiffOrientation(b []byte) orientation {
	if len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II\x2a\x00":
		order = binary.LittleEndian
	case "MM\x00\x2a":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return upright
	}
	entries := int(order.Uint16(b[at:]))
	rest := b[at+2:]
	for range min(entries, maxTagEntries) {
		if len(rest) < ifdEntryBytes {
			break
		}
		if order.Uint16(rest) == orientationTag {
			o := orientation(order.Uint16(rest[8:]))
			if order.Uint16(rest[2:]) == typeShort && o.turned() {
				return o
			}
			break
		}
		rest = rest[ifdEntryBytes:]
	}
	return upright
}

// turn gives the picture the right way up.
func (o orientation) turn(img image.Image) image.Image {
	if !o.turned() {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if o.sideways() {
		w, h = h, w
	}
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	// Row by row, so that there is one copy of the picture and not two.
	row := image.NewNRGBA(image.Rect(0, 0, b.Dx(), 1))
	back := o.inverse()
	for y := range b.Dy() {
		draw.Draw(row, row.Rect, img, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		for x := range b.Dx() {
			to := dst.PixOffset(back.source(x, y, b.Dx(), b.Dy()))
			copy(dst.Pix[to:to+4], row.Pix[x*4:])
		}
	}
	return dst
}

// inverse turns back.
func (o orientation) inverse() orientation {
	switch o {
	case 6:
		return 8
	case 8:
		return 6
	}
	return o // turned twice, these are upright
}

// source says where the pixel at a place of the turned picture, which is w by
// h, came from.
func (o orientation) source(x, y, w, h int) (sx, sy int) {
	switch o {
	case 2: // mirrored
		return w - 1 - x, y
	case 3: // upside down
		return w - 1 - x, h - 1 - y
	case 4: // mirrored, upside down
		return x, h - 1 - y
	case 5: // mirrored, turned to the left
		return y, x
	case 6: // its top is at the right: it is turned to the right
		return y, w - 1 - x
	case 7: // mirrored, turned to the right
		return h - 1 - y, w - 1 - x
	case 8: // its top is at the left: it is turned to the left
		return h - 1 - y, x
	}
	return x, y
}
