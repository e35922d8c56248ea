package openai

import "sync"

// endings remembers batches that have ended with all their files, and uploads
// that were deleted. Neither changes any more, so that nobody is asked about
// them again. It only saves calls: what is not in it is asked for. Nil has
// none, as the zero Client.
type endings struct {
	mu      sync.Mutex
	batches map[string]ending // by ID
	deleted map[string]bool   // by the ID of the upload
}

// ending is a batch as it ended.
type ending struct {
	batch
	read bool // its results were
}

// maxEndings bounds the memory. A batch takes about half a kilobyte.
const maxEndings = 4096

func newEndings() *endings {
	return &endings{batches: make(map[string]ending), deleted: make(map[string]bool)}
}

// note remembers a batch, if it is whole.
func (e *endings) note(b batch) {
	if !b.whole() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.batches) >= maxEndings {
		clear(e.batches)
	}
	e.batches[b.ID] = ending{batch: b}
}

// toRead returns a batch whose results are read for the first time. Whoever
// reads them again has missed some, and asks.
func (e *endings) toRead(id string) (b batch, ok bool) {
	if e == nil {
		return batch{}, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n, ok := e.batches[id]
	if !ok || n.read {
		return batch{}, false
	}
	n.read = true
	e.batches[id] = n
	return n.batch, true
}

// take returns a batch that is removed, and forgets it.
func (e *endings) take(id string) (b batch, ok bool) {
	if e == nil {
		return batch{}, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n, ok := e.batches[id]
	delete(e.batches, id)
	return n.batch, ok
}

// noteDeleted remembers that an upload is gone.
func (e *endings) noteDeleted(file string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.deleted) >= maxEndings {
		clear(e.deleted)
	}
	e.deleted[file] = true
}

// takeDeleted reports whether an upload is known to be gone, and forgets it.
func (e *endings) takeDeleted(file string) bool {
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer delete(e.deleted, file)
	return e.deleted[file]
}

// whole reports whether the batch has completed, and names the files of all its
// rows.
func (b batch) whole() bool {
	c := b.Counts
	return b.ID != "" && b.status() == "completed" && c.Total > 0 && c.Completed+c.Failed == c.Total &&
		(c.Completed == 0 || b.OutputFile != "") && (c.Failed == 0 || b.ErrorFile != "")
}
