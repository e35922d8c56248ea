package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// CSVFormat says how a CSV file is written. Its zero value finds that out.
type CSVFormat struct {
	// Delimiter stands between two fields: one byte that is neither a quote nor
	// a line break. Zero means the one of , ; tab and | that divides the header
	// and the records after it into the same number of fields.
	Delimiter rune
}

// ErrDelimiter means that a CSVFormat has to say what divides the fields.
var ErrDelimiter = errors.New("what divides the fields cannot be told: name the delimiter")

// delimiters are those that a CSVFormat finds by itself.
const delimiters = ",;\t|"

// sampled is how many records must agree about a delimiter.
const sampled = 20

func (d CSVFormat) validate() error {
	if d.Delimiter >= 0x80 || strings.ContainsRune("\"\r\n", d.Delimiter) || d.Delimiter < 0 {
		return fmt.Errorf("the delimiter %q is not a single ASCII character that can divide fields", d.Delimiter)
	}
	return nil
}

// resolve finds the delimiter of a file that begins with the sample.
func (d CSVFormat) resolve(sample []byte) (CSVFormat, error) {
	if err := d.validate(); err != nil || d.Delimiter != 0 {
		return d, err
	}
	best, divided := candidate{}, candidate{}
	tie, many := false, false
	for _, c := range delimiters {
		found := divide(sample, c)
		switch {
		case found.fields < 2:
		case !found.agree:
			many = divided.fields > 0
			divided = found
		case found.fields == best.fields:
			tie = true
		case found.fields > best.fields:
			best, tie = found, false
		}
	}
	switch {
	case best.fields > 0 && !tie:
		d.Delimiter = best.delimiter
	case best.fields == 0 && divided.fields > 0 && !many:
		d.Delimiter = divided.delimiter // what is wrong with a record is told when it is read
	case best.fields == 0 && divided.fields == 0:
		d.Delimiter = ',' // there is but one field
	default:
		return d, ErrDelimiter
	}
	return d, nil
}

// candidate is what a delimiter makes of a sample.
type candidate struct {
	delimiter rune
	fields    int  // of the header
	agree     bool // the records have as many
}

func divide(sample []byte, delimiter rune) candidate {
	r := csv.NewReader(&quoteReader{r: bytes.NewReader(sample), delimiter: byte(delimiter)})
	r.Comma, r.FieldsPerRecord = delimiter, -1
	header, err := r.Read()
	if err != nil {
		return candidate{}
	}
	c := candidate{delimiter: delimiter, fields: len(header), agree: true}
	for range sampled {
		record, err := r.Read()
		if err != nil {
			break
		}
		c.agree = c.agree && len(record) == len(header)
	}
	return c
}

// beginning is how a file begins.
type beginning struct {
	mark   int64  // bytes of a byte order mark
	sample []byte // whole lines, if the file has any
	onlyCR bool   // lines end with a carriage return alone
}

// readBeginning reads up to a buffer of the file and leaves it at its start.
func readBeginning(r io.ReadSeeker) (b beginning, err error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return b, err
	}
	head, err := io.ReadAll(io.LimitReader(r, bufferSize))
	if err != nil {
		return b, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return b, err
	}
	if err := refuseForeign(head); err != nil {
		return b, err
	}
	b.sample = bytes.TrimPrefix(head, []byte(bom))
	b.mark = int64(len(head) - len(b.sample))
	if b.onlyCR = onlyCR(b.sample); b.onlyCR {
		b.sample = bytes.ReplaceAll(b.sample, []byte{'\r'}, []byte{'\n'})
	}
	if end := bytes.LastIndexByte(b.sample, '\n'); end >= 0 && len(head) == bufferSize {
		b.sample = b.sample[:end+1]
	}
	return b, nil
}

// onlyCR reports whether lines end as on an old Macintosh, and in programs that
// still write so. An editor may have ended the last line otherwise.
func onlyCR(head []byte) bool {
	head = bytes.TrimRight(head, "\r\n")
	return bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0
}

// foreign are beginnings of files that are no text, and what to do with them.
var foreign = []struct {
	magic  string
	advice fileError
}{
	{"BZh", "it is compressed with bzip2: unpack it first, as with \"bunzip2 --keep\""},
	{"\xfd7zXZ", "it is compressed with xz: unpack it first, as with \"unxz --keep\""},
	{"PK\x03\x04", "it is a spreadsheet or an archive: export it as CSV, or unpack it"},
	{"\xd0\xcf\x11\xe0", "it is a spreadsheet or another document: export it as CSV"},
	{"\x04\x22\x4d\x18", "it is compressed with lz4: unpack it first, as with \"unlz4 --keep\""},
	{"PAR1", "it is a Parquet file: export it as CSV or JSON lines"},
	{"\xff\xfe", "it is UTF-16: save it as UTF-8"},
	{"\xfe\xff", "it is UTF-16: save it as UTF-8"},
}

// tarMagicAt is where a tar archive says what it is.
const tarMagicAt = 257

func refuseForeign(head []byte) error {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.advice
		}
	}
	for _, p := range packings {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return fileError("it is compressed twice: unpack it once")
		}
	}
	if len(head) > tarMagicAt && bytes.HasPrefix(head[tarMagicAt:], []byte("ustar")) {
		return fileError("it is an archive of files: unpack it, and name the files in it")
	}
	if start := head[:min(len(head), 4<<10)]; bytes.Count(start, []byte{0}) > len(start)/4 {
		return fileError("many of its bytes are zero: if it is UTF-16, save it as UTF-8; otherwise it is no text, or was not written to its end")
	}
	return nil
}

// crReader makes a line feed of each carriage return, so that offsets stay.
type crReader struct{ io.ReadSeeker }

func (c crReader) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}
