package durable

import "sync"

// unsent holds the tags of batches that this process has sealed and has not
// tried to upload. The provider cannot have an upload of such a batch, so that
// none is looked for.
type unsent struct{ tags sync.Map }

func (u *unsent) add(tag string) { u.tags.Store(tag, struct{}{}) }

// take reports whether no upload was tried, before one is tried.
func (u *unsent) take(tag string) bool {
	_, ok := u.tags.LoadAndDelete(tag)
	return ok
}
