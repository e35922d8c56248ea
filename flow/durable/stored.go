package durable

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/crashpoint"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// stored knows which files of rows the providers have stored. The journal has
// each before it is sent, so that none is left that nobody knows.
type stored struct {
	*config
	*jobdir.Dir
	clock   *clock
	batches *batches
	storing chan struct{} // one batch at a time, as several have the same files

	bought []boughtAt // earlier batches, if the journal was written anew

	mu    sync.Mutex
	files map[jobdir.StoredKey]jobdir.StoredFile
}

// boughtAt is where batches were bought.
type boughtAt struct {
	jobdir.Route
	account string
}

// storeAtOnce is how many files of a batch are stored at a time.
const storeAtOnce = 4

// recover reads from the journal what was stored. If the journal was written
// anew, each account may have more.
func (s *stored) recover(replayed *jobdir.Replayed) {
	s.files = replayed.Stored
	if anew, is := s.files[s.AnyStored()]; !is || anew.Gone {
		return
	}
	for _, in := range replayed.Intents {
		at := boughtAt{replayed.Routes[in.Route], in.Account}
		if at.account != "" && !at.Live && !slices.Contains(s.bought, at) {
			s.bought = append(s.bought, at)
		}
	}
	for _, from := range s.services {
		key := jobdir.StoredKey{Account: from.info.Account, Name: s.StoredPrefix()}
		if _, known := s.files[key]; !known && from.info.FileStore != nil {
			s.files[key] = jobdir.StoredFile{StoredKey: key}
		}
	}
}

// note makes a change of files durable.
func (s *stored) note(files ...jobdir.StoredFile) error {
	if len(files) == 0 {
		return nil
	}
	if err := s.batches.journal.Append(jobdir.Line{Stored: files}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range files {
		s.files[f.StoredKey] = f
	}
	return nil
}

// get returns what is known of a file.
func (s *stored) get(account, name string) (f jobdir.StoredFile, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, known = s.files[jobdir.StoredKey{Account: account, Name: name}]
	return f, known && !f.Gone
}

// count returns how many files the providers may have.
func (s *stored) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if f.MayBeThere() && f.StoredKey != s.AnyStored() {
			n++
		}
	}
	return n
}

// chosen returns the files of a batch that are to be stored, by name. It
// depends on the rows of the batch alone, so it is the same each time.
func (s *stored) chosen(in intent.Intent) (map[string]*llm.File, error) {
	store := s.batches.serviceOf(in).info.FileStore
	if store == nil || s.fileUpload == "" || s.fileUpload == FileUploadNever {
		return nil, nil
	}
	r := s.batches.requests.NewReader()
	defer r.Close()
	all, rows := make(map[string]*llm.File), make(map[string]int)
	for row, err := range s.Rows(in.Tag) {
		if err != nil {
			return nil, err
		}
		files, err := s.filesOf(r, &row)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if store.Takes(f.Type) {
				name := s.StoredName(f)
				all[name] = f
				rows[name]++
			}
		}
	}
	for name, f := range all {
		size, err := s.FileSize(f.Kept)
		if err != nil {
			return nil, err
		}
		if !s.fileUpload.takes(size, rows[name]) {
			delete(all, name)
		}
	}
	return all, nil
}

// filesOf returns the files of a row, without their bytes.
func (s *stored) filesOf(r *segment.Reader, row *jobdir.Entry) ([]*llm.File, error) {
	if row.Extra().FileBytes == 0 {
		return nil, nil
	}
	request, err := jobdir.ReadRequest(r, row)
	if err != nil {
		return nil, s.Damaged(jobdir.RequestDir, err)
	}
	return jobdir.KeptFiles(request.Chat), nil
}

// references returns what finds the files of a batch that are stored, see
// jobdir.Dir.FillBut. They stay the same while the batch is sent.
func (s *stored) references(in intent.Intent) func(*llm.File) (*llm.File, error) {
	info := s.batches.serviceOf(in).info
	var ids map[string]string
	return func(f *llm.File) (*llm.File, error) {
		if ids == nil {
			all, err := s.chosen(in)
			if err != nil {
				return nil, err
			}
			ids = make(map[string]string, len(all))
			for name := range all {
				if f, is := s.get(info.Account, name); is {
					ids[name] = f.ID
				}
			}
		}
		if len(ids) == 0 {
			return nil, nil
		}
		id := ids[s.StoredName(f)]
		if id == "" {
			return nil, nil
		}
		reference := info.FileStore.Refer(*f, id)
		return &reference, nil
	}
}

// store stores the files of a batch that are to be stored and are not yet. What
// the provider refuses is left to refused, and stops no other file.
func (s *stored) store(ctx context.Context, in intent.Intent) error {
	all, err := s.chosen(in)
	if err != nil || len(all) == 0 {
		return err
	}
	if err := acquire(ctx, s.storing); err != nil {
		return err
	}
	defer func() { <-s.storing }()
	info := s.batches.serviceOf(in).info
	missing, err := s.missing(ctx, info, all)
	if err != nil {
		return err
	}
	if err := s.note(missing...); err != nil {
		return err
	}
	var unserved atomic.Pointer[intent.Reason]
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(storeAtOnce)
	for _, f := range missing {
		g.Go(func() error { return s.put(ctx, info.FileStore, f, all[f.Name], &unserved) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.refused(info.Account, all)
}

// missing returns the files that the account does not have and has not refused.
// If it is not known whether one was stored, it is looked for.
func (s *stored) missing(ctx context.Context, info sink.Info, all map[string]*llm.File) (missing []jobdir.StoredFile, err error) {
	_, inDoubt := s.get(info.Account, s.StoredPrefix())
	for name := range all {
		f, known := s.get(info.Account, name)
		if f.Refused != nil || known && f.ID != "" && !s.runsOut(info, f.At) {
			continue
		}
		missing = append(missing, jobdir.StoredFile{
			StoredKey: jobdir.StoredKey{Account: info.Account, Name: name}, Again: f.Again || known && f.ID != "",
		})
		inDoubt = inDoubt || known && f.ID == ""
	}
	if !inDoubt || len(missing) == 0 {
		return missing, nil
	}
	return s.search(ctx, info, missing)
}

// runsOut reports whether a file that was stored then is too old for another
// batch to refer to. A batch has half the time that the provider keeps it.
func (s *stored) runsOut(info sink.Info, at time.Time) bool {
	keeps := info.FileStore.Keeps()
	return keeps > 0 && s.clock.now().Sub(at) > keeps/2
}

// search looks for files among those that the account has, and returns those
// that it does not find. Of several of a name it takes the newest.
func (s *stored) search(ctx context.Context, info sink.Info, missing []jobdir.StoredFile) (rest []jobdir.StoredFile, err error) {
	newest := make(map[string]sink.File)
	for f, err := range info.FileStore.Stored(ctx, s.StoredPrefix()) {
		if errors.Is(err, errors.ErrUnsupported) || refuses(ctx, err) {
			break // it keeps no list, or none that can be read
		}
		if err != nil {
			return nil, err
		}
		if last, twice := newest[f.Tag]; !twice || f.Created.After(last.Created) {
			newest[f.Tag] = f
		}
	}
	var found []jobdir.StoredFile
	for _, f := range missing {
		there := newest[f.Name]
		usable := there.File != "" && !s.runsOut(info, there.Created)
		if usable {
			if usable, err = info.FileStore.Has(ctx, there.File); err != nil {
				return nil, err
			}
		}
		if !usable {
			rest = append(rest, f)
			continue
		}
		f.ID, f.At = there.File, there.Created
		found = append(found, f)
	}
	return rest, s.note(found...)
}

// put stores a file, unless the provider has said that it stores none.
func (s *stored) put(
	ctx context.Context, store sink.FileStore, f jobdir.StoredFile, file *llm.File, unserved *atomic.Pointer[intent.Reason],
) (err error) {
	if f.Refused = unserved.Load(); f.Refused != nil {
		return s.note(f)
	}
	data, err := s.ReadFile(file.Kept)
	if err != nil {
		return err
	}
	f.At = s.clock.now()
	crashpoint.Here("before storing a file")
	if f.ID, err = store.Put(ctx, f.Name, file.Type, data); err != nil {
		if f.Refused, err = s.refusal(ctx, file, err); err != nil {
			return err
		}
		if f.Refused.Code == codeNoFileStore {
			unserved.Store(f.Refused)
		}
	}
	crashpoint.Here("after storing a file")
	return s.note(f)
}
