package document

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"io"
	"strconv"
)

// maxInflated bounds how much of a PDF is inflated, and maxStream how much of
// one stream.
const (
	maxInflated = 128 << 20
	maxStream   = 16 << 20
)

// manyLetters is how many letters of a page are enough not to count further.
const manyLetters = 400

// inspectPDF counts pages and letters. It goes through the objects of the file
// in their order and follows no reference but that to the pages, so that its
// time is bounded, whatever the file says, and a damaged index does no harm.
func (i *Info) inspectPDF(data []byte) {
	p := newPDF(data)
	p.scan(data)
	i.Pages, i.Encrypted = p.pageCount(), p.encrypted
	i.Letters = -1
	if !p.encrypted && !p.closed {
		i.Letters = p.letters(i.Pages)
		if p.closed {
			i.Letters = -1
		}
	}
}

// pdf is what the objects of a PDF say.
type pdf struct {
	counts    map[int]int // of pages, by the number of the object that has them
	pages     int         // objects that are a page
	root      int         // the object that has all pages
	encrypted bool
	closed    bool     // something may have text, and cannot be read
	streams   []stream // that may have text
	inflated  int
	allowance int // of bytes of dictionaries that may still be read
}

// spareDictBytes is how much of dictionaries may be read beyond twice what the
// file has. Only a file in which many begin and do not end has more, because
// what is read of those is read again.
const spareDictBytes = 4 << 20

func newPDF(data []byte) *pdf {
	return &pdf{counts: make(map[int]int), allowance: 2*len(data) + spareDictBytes}
}

// dict reads the dictionary that data begins with, as far as the allowance
// goes, and returns its size.
func (p *pdf) dict(data []byte) (d dict, size int) {
	d, size = readDict(data[:min(len(data), maxDictBytes, p.allowance)])
	p.allowance -= size
	return d, size
}

// isGivenUp reports whether there was more to read than a file has.
func (p *pdf) isGivenUp() bool { return p.allowance <= 0 }

// stream is a part of the file that is a stream of an object.
type stream struct {
	data    []byte
	filters []string
}

// pageCount is what the document says, or else the number of its pages. It is 0
// if the file was given up.
func (p *pdf) pageCount() int {
	if p.isGivenUp() {
		return 0
	}
	if n := p.counts[p.root]; n > 0 {
		return n
	}
	return p.pages
}

var (
	objMark     = []byte(" obj")
	streamMark  = []byte("stream")
	endMark     = []byte("endstream")
	trailerMark = []byte("trailer")
)

const (
	maxDictBytes = 4 << 20
	maxPages     = 10_000_000 // more is not believed
)

// scan goes through all objects.
func (p *pdf) scan(data []byte) {
	for at := 0; !p.isGivenUp(); {
		i := bytes.Index(data[at:], objMark)
		if i < 0 {
			break
		}
		number := objectNumber(data[:at+i])
		at += i + len(objMark)
		d, size := p.dict(data[at:])
		if d == nil {
			continue
		}
		at += size
		p.take(number, d)
		rest := bytes.TrimLeft(data[at:min(len(data), at+16)], " \t\r\n")
		if !bytes.HasPrefix(rest, streamMark) {
			continue
		}
		at += bytes.Index(data[at:], streamMark) + len(streamMark)
		body, after := streamBody(data[at:], d)
		at += after
		p.takeStream(d, body)
	}
	for at := 0; !p.isGivenUp(); {
		i := bytes.Index(data[at:], trailerMark)
		if i < 0 {
			return
		}
		at += i + len(trailerMark)
		if d, _ := p.dict(data[at:]); d["Encrypt"] != "" {
			p.encrypted = true
		}
	}
	p.closed = true
}

// objectNumber reads the number before the generation, at the end of what is
// before an object.
func objectNumber(before []byte) int {
	before = before[max(0, len(before)-32):]
	fields := bytes.Fields(before)
	if len(fields) < 2 {
		return -1
	}
	digits := fields[len(fields)-2]
	for len(digits) > 0 && (digits[0] < '0' || digits[0] > '9') {
		digits = digits[1:]
	}
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return -1
	}
	return n
}

// streamBody cuts the bytes of a stream, and returns where it ends.
func streamBody(data []byte, d dict) (body []byte, after int) {
	begin := 0
	if bytes.HasPrefix(data, []byte("\r\n")) {
		begin = 2
	} else if len(data) > 0 && (data[0] == '\n' || data[0] == '\r') {
		begin = 1
	}
	if n, err := strconv.Atoi(d["Length"]); err == nil && n >= 0 && n <= len(data)-begin {
		if bytes.HasPrefix(bytes.TrimLeft(data[begin+n:min(len(data), begin+n+16)], "\r\n "), endMark) {
			return data[begin : begin+n], begin + n
		}
	}
	end := bytes.Index(data[begin:], endMark)
	if end < 0 {
		end = len(data) - begin
	}
	return data[begin : begin+end], begin + end
}

// take notes what an object says about the pages.
func (p *pdf) take(number int, d dict) {
	switch d["Type"] {
	case "/Page":
		p.pages++
	case "/Pages":
		if n, err := strconv.Atoi(d["Count"]); err == nil && n >= 0 && n <= maxPages {
			p.counts[number] = n
		}
	case "/Catalog":
		if n, err := strconv.Atoi(firstField(d["Pages"])); err == nil {
			p.root = n
		}
	case "/XRef":
		p.encrypted = p.encrypted || d["Encrypt"] != ""
	}
}

func firstField(s string) string {
	for i := range len(s) {
		if s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t' {
			return s[:i]
		}
	}
	return s
}

// takeStream notes a stream that may have text, and takes the objects of one
// that has some.
func (p *pdf) takeStream(d dict, body []byte) {
	s := stream{body, namesIn(d["Filter"])}
	switch {
	case d["Type"] == "/ObjStm":
		p.takeObjects(d, s)
	case d["Type"] == "/XRef", d["Type"] == "/Metadata", d["Subtype"] == "/Image", d["Length1"] != "", isFont[d["Subtype"]]:
	default:
		p.streams = append(p.streams, s)
	}
}

var isFont = map[string]bool{"/Type1C": true, "/CIDFontType0C": true, "/OpenType": true}

// takeObjects takes the objects in a stream, which are behind a list of their
// numbers and places.
func (p *pdf) takeObjects(d dict, s stream) {
	data, ok := p.inflate(s)
	first, err := strconv.Atoi(d["First"])
	if !ok || err != nil || first < 0 || first > len(data) {
		p.closed = p.closed || !ok
		return
	}
	numbers := bytes.Fields(data[:first])
	p.allowance += 2 * len(data)
	for i := 0; i+1 < len(numbers) && !p.isGivenUp(); i += 2 {
		number, err1 := strconv.Atoi(string(numbers[i]))
		offset, err2 := strconv.Atoi(string(numbers[i+1]))
		if err1 != nil || err2 != nil || offset < 0 || offset > len(data)-first {
			return
		}
		end := len(data)
		if i+3 < len(numbers) {
			if next, err := strconv.Atoi(string(numbers[i+3])); err == nil && next >= offset && next <= len(data)-first {
				end = first + next
			}
		}
		if inner, _ := p.dict(data[first+offset : end]); inner != nil {
			p.take(number, inner)
		}
	}
}

// inflate returns the bytes of a stream, and false if they cannot be read. What
// each filter makes counts, so that a bomb within another is none.
func (p *pdf) inflate(s stream) (data []byte, ok bool) {
	data = s.data[:min(len(s.data), p.limit())]
	if len(s.filters) == 0 {
		p.inflated += len(data)
	}
	for _, filter := range s.filters {
		var r io.Reader
		switch filter {
		case "/FlateDecode", "/Fl":
			z, err := zlib.NewReader(bytes.NewReader(data))
			if err != nil {
				return nil, false
			}
			r = z
		case "/ASCII85Decode", "/A85":
			data, _, _ = bytes.Cut(data, []byte("~>"))
			r = ascii85.NewDecoder(bytes.NewReader(data))
		default:
			return nil, false
		}
		data, _ = io.ReadAll(io.LimitReader(r, int64(p.limit()))) // a damaged end leaves the beginning
		p.inflated += len(data)
	}
	return data, len(data) > 0 || len(s.data) == 0
}

// limit is how much may be inflated at once.
func (p *pdf) limit() int { return max(0, min(maxStream, maxInflated-p.inflated)) }

// letters counts the letters that the streams show, until there are many for so
// many pages.
func (p *pdf) letters(pages int) (n int) {
	for _, s := range p.streams {
		data, ok := p.inflate(s)
		if !ok && len(s.filters) > 0 && isCoded[s.filters[len(s.filters)-1]] {
			p.closed = true
		}
		if n += shownLetters(data); n >= manyLetters*max(pages, 1) || p.inflated >= maxInflated {
			break
		}
	}
	if p.inflated >= maxInflated && n < fewLetters*pages {
		p.closed = true
	}
	return n
}

// isCoded are the filters that text may be behind, and that are not read.
var isCoded = map[string]bool{"/LZWDecode": true, "/LZW": true, "/RunLengthDecode": true, "/RL": true, "/ASCIIHexDecode": true, "/AHx": true, "/Crypt": true}
