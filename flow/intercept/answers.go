package intercept

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm/price"
)

// Answer is what a call gets.
type Answer struct {
	Status int    // HTTP
	Body   []byte // of the provider, or in its form
	Batch  string // that answered it, "" if it was in none
	Model  string
	Hit    bool // it was there before the call

	again bool      // the same call may succeed soon
	list  listPrice // of a single request
}

// listPrice is a price that may not be known.
type listPrice struct {
	amount price.Money
	known  bool
}

// answersDir is where the answers of calls are, in a state directory.
const answersDir = "calls"

// answersFile is the size at which a file of answers is full, in bytes.
const answersFile = 64 << 20

// asked is what is remembered of a call.
type asked struct {
	id      uint64 // of the row, in its key
	at      int64  // when it was asked or settled, in seconds since 1970
	settled bool
	given   bool        // a call has got the answer
	class   retry.Class // of its failure; zero if it succeeded
	ref     segment.Ref // of the answer
}

// answers are the calls that were asked and answered, in a log. The index is in
// memory, about 100 bytes a call.
type answers struct {
	root *os.Root
	log  *slog.Logger
	keep time.Duration

	writing sync.Mutex
	segment *segment.Log
	swept   time.Time // when old files were removed

	mu     sync.Mutex
	index  map[callHash]asked
	reader *segment.Reader
}

// openAnswers reads the log in the state directory. Files that are older than
// keep are removed.
func openAnswers(dir string, keep time.Duration, now time.Time, log *slog.Logger) (*answers, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("intercept: open answers: %w", err)
	}
	a := &answers{root: root, log: log, keep: keep, swept: now, index: make(map[callHash]asked)}
	if err := a.open(now.Add(-keep)); err != nil {
		return nil, errors.Join(fmt.Errorf("intercept: open answers: %w", err), root.Close())
	}
	return a, nil
}

func (a *answers) open(oldest time.Time) error {
	if err := segment.MkdirAll(a.root, answersDir); err != nil {
		return err
	}
	files, err := segment.Files(a.root, answersDir)
	if err != nil {
		return err
	}
	end := segment.Pos{}
	for i, n := range files {
		size, err := a.scan(n, i == len(files)-1, oldest)
		if err != nil {
			return err
		}
		end = segment.Pos{File: n, Offset: size}
	}
	if a.segment, err = segment.OpenLog(a.root, answersDir, nil, answersFile, end); err != nil {
		return err
	}
	a.reader = a.segment.NewReader()
	return nil
}

// scan reads a file of the log into the index, and returns where its last whole
// record ends. Damage before that is told, and what comes after it counts.
func (a *answers) scan(n uint32, last bool, oldest time.Time) (end uint64, err error) {
	name := path.Join(answersDir, fmt.Sprintf("%08x.seg", n))
	f, err := a.root.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !last && info.ModTime().Before(oldest) {
		return 0, a.root.Remove(name)
	}
	for {
		isWhole, err := a.scanFrom(f, n, &end, info.Size())
		if err != nil || isWhole {
			return end, err
		}
		next, found, err := nextRecord(f, end+1, info.Size())
		if err != nil {
			return 0, err
		}
		if !found && last {
			return end, nil // what came after was never acknowledged
		}
		a.log.Warn("answers cannot be read: their calls will be asked again", "file", name, "offset", end)
		a.forget()
		if !found {
			return end, nil
		}
		end = next
	}
}

// scanFrom reads the records of a file that begin at end, up to damage, into the
// index. It moves end to where they end.
func (a *answers) scanFrom(f io.ReaderAt, n uint32, end *uint64, size int64) (isWhole bool, err error) {
	for record, err := range segment.ReadAll(io.NewSectionReader(f, int64(*end), size-int64(*end))) { //nolint:gosec // a file's size
		if errors.Is(err, segment.ErrDamaged) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if hash, what, ok := decode(record); ok {
			what.ref = segment.Ref{File: n, Offset: *end, Len: uint32(len(record))} //nolint:gosec // bounded by MaxRecord
			a.note(hash, what)
		}
		*end += uint64(len(record)) + segment.Overhead
	}
	return true, nil
}

// nextRecord finds the first whole record after damage.
func nextRecord(f io.ReaderAt, from uint64, size int64) (at uint64, found bool, err error) {
	b, err := io.ReadAll(io.NewSectionReader(f, int64(from), size-int64(from))) //nolint:gosec // a file's size
	if err != nil {
		return 0, false, err
	}
	for i := range max(0, len(b)-segment.Overhead-headSize+1) {
		n := binary.BigEndian.Uint32(b[i:])
		kind := b[i+segment.Overhead]
		if !slices.Contains([]byte{kindAsked, kindUnpriced, kindAnswer, kindGiven}, kind) || n < headSize || uint64(n) > uint64(len(b)-i-segment.Overhead) {
			continue
		}
		if _, err := segment.Payload(segment.Ref{Len: n}, b[i:i+segment.Overhead+int(n)]); err == nil {
			return from + uint64(i), true, nil
		}
	}
	return 0, false, nil
}

// sweepEvery is how often old files are looked for.
const sweepEvery = time.Hour

// sweep removes files whose answers are older than they are kept. One that
// cannot be removed stays until the next time. Its caller is the writer.
func (a *answers) sweep(now time.Time) {
	if now.Sub(a.swept) < sweepEvery {
		return
	}
	a.swept = now
	files, err := segment.Files(a.root, answersDir)
	current := a.segment.End().File
	for _, n := range files {
		if n >= current || err != nil {
			break
		}
		err = a.removeOld(n, now.Add(-a.keep))
	}
	if err != nil {
		a.log.Warn("old answers stay for now", "error", err)
	}
}

// removeOld removes a file that was written before a time.
func (a *answers) removeOld(n uint32, oldest time.Time) error {
	name := path.Join(answersDir, fmt.Sprintf("%08x.seg", n))
	info, err := a.root.Stat(name)
	if err != nil || !info.ModTime().Before(oldest) {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.index, func(_ callHash, what asked) bool { return what.settled && what.ref.File == n })
	return errors.Join(a.reader.Close(), a.root.Remove(name)) // it opens files again
}

// note enters into the index what a record says. A row that was asked again
// replaces an earlier one, and only its own answer settles it.
func (a *answers) note(hash callHash, what asked) {
	was, known := a.index[hash]
	switch {
	case what.given:
		if known && was.settled && was.id == what.id {
			was.given = true
			a.index[hash] = was
		}
		return
	case known && what.settled && was.id != what.id:
		return
	}
	a.index[hash] = what
}

// forget drops the rows that have no answer yet: it may be among those that
// were lost, and their jobs answer no row twice.
func (a *answers) forget() {
	maps.DeleteFunc(a.index, func(_ callHash, what asked) bool { return !what.settled })
}

// find returns what is known of a call.
func (a *answers) find(hash callHash) (asked, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	what, known := a.index[hash]
	return what, known
}

// read returns the answer of a settled call.
func (a *answers) read(what asked) (Answer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	record, err := a.reader.Read(what.ref)
	if err != nil {
		return Answer{}, err
	}
	return decodeAnswer(record)
}

// ask records that rows are asked, before they are, and returns them without
// those that were settled meanwhile. The job would give such a row no second
// answer.
func (a *answers) ask(rows []*row) ([]*row, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	rows = slices.DeleteFunc(rows, func(r *row) bool {
		what, _ := a.find(r.hash)
		return what.settled && what.id == r.id
	})
	for _, r := range rows {
		if err := a.append(r.hash, asked{id: r.id, at: r.at}, head(kindAsked, r.hash, r.id, r.at)); err != nil {
			return nil, err
		}
	}
	return rows, a.segment.Sync()
}

// settled is the answer of a row.
type settled struct {
	hash   callHash
	id     uint64
	at     int64
	class  retry.Class
	answer Answer
}

// put records answers. They are not found before they are safe.
func (a *answers) put(all []settled) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	notes := make([]asked, len(all))
	for i := range all {
		s := &all[i]
		h := head(kindAnswer, s.hash, s.id, s.at)
		h = binary.BigEndian.AppendUint16(h, uint16(s.answer.Status)) //nolint:gosec // HTTP
		h = appendPrice(append(h, byte(s.class)), s.answer.list)
		for _, text := range []string{s.answer.Batch, s.answer.Model} {
			h = append(binary.AppendUvarint(h, uint64(len(text))), text...)
		}
		ref, err := a.segment.Append(h, s.answer.Body)
		if err != nil {
			return err
		}
		notes[i] = asked{id: s.id, at: s.at, settled: true, class: s.class, ref: ref}
	}
	if err := a.segment.Sync(); err != nil {
		return err
	}
	a.sweep(time.Now())
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range all {
		a.note(all[i].hash, notes[i])
	}
	return nil
}

// markGiven notes that a call gets an answer, and reports whether it is the
// first.
func (a *answers) markGiven(hash callHash, id uint64) (first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if what := a.index[hash]; !what.settled || what.id != id || what.given {
		return false
	}
	a.note(hash, asked{id: id, given: true})
	return true
}

// give records that calls have got answers. It is not safe at once: after a
// crash, the next call counts as the first.
func (a *answers) give(all []settled) error {
	if len(all) == 0 {
		return nil
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	for i := range all {
		s := &all[i]
		if err := a.append(s.hash, asked{id: s.id, given: true}, head(kindGiven, s.hash, s.id, s.at)); err != nil {
			return err
		}
	}
	return nil
}

func (a *answers) append(hash callHash, what asked, record []byte) error {
	if _, err := a.segment.Append(record); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(hash, what)
	return nil
}

func (a *answers) close() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	return errors.Join(a.reader.Close(), a.segment.Close(), a.root.Close())
}

// The kinds of records.
const (
	kindAsked    = 'q'
	kindUnpriced = 'a' // an answer, as earlier versions wrote it
	kindAnswer   = 'p' // an answer with its list price
	kindGiven    = 'g' // a call has got the answer
)

// headSize is the size of what all records begin with.
const headSize = 1 + 16 + 8 + 8

func head(kind byte, hash callHash, id uint64, at int64) []byte {
	b := append(make([]byte, 0, headSize+64), kind)
	b = append(b, hash[:]...)
	b = binary.BigEndian.AppendUint64(b, id)
	return binary.BigEndian.AppendUint64(b, uint64(at)) //nolint:gosec // not negative
}

// decode reads what the index has of a record.
func decode(b []byte) (hash callHash, what asked, ok bool) {
	if len(b) < headSize {
		return hash, what, false
	}
	hash = callHash(b[1:17])
	what.id = binary.BigEndian.Uint64(b[17:])
	what.at = int64(binary.BigEndian.Uint64(b[25:])) //nolint:gosec // as it was written
	switch b[0] {
	case kindAsked:
		return hash, what, true
	case kindGiven:
		what.given = true
		return hash, what, true
	case kindAnswer, kindUnpriced:
		if len(b) < headSize+3 {
			return hash, what, false
		}
		what.settled, what.class = true, retry.Class(b[headSize+2])
		return hash, what, true
	}
	return hash, what, false
}

// appendPrice appends a price, plus one: zero is one that is not known.
func appendPrice(b []byte, p listPrice) []byte {
	if !p.known {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, uint64(p.amount)+1) //nolint:gosec // not negative
}

func decodeAnswer(b []byte) (Answer, error) {
	if len(b) < headSize+3 || b[0] != kindAnswer && b[0] != kindUnpriced {
		return Answer{}, segment.ErrDamaged
	}
	a, isPriced := Answer{Status: int(binary.BigEndian.Uint16(b[headSize:]))}, b[0] == kindAnswer
	b = b[headSize+3:]
	if isPriced {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(price.MaxMoney)+1 {
			return Answer{}, segment.ErrDamaged
		}
		if b = b[size:]; n > 0 {
			a.list = listPrice{price.Money(n - 1), true} //nolint:gosec // bounded
		}
	}
	for _, text := range []*string{&a.Batch, &a.Model} {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return Answer{}, segment.ErrDamaged
		}
		*text, b = string(b[size:size+int(n)]), b[size+int(n):] //nolint:gosec // bounded
	}
	a.Body = slices.Clone(b)
	return a, nil
}
