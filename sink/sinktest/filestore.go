package sinktest

import (
	"encoding/json"
	"slices"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// storedType is a media type that every store takes.
const storedType = "application/pdf"

// aPDF is the beginning of a file of that type.
var aPDF = []byte("%PDF-1.7\n% of nothing\n")

// store is that of the provider. The test ends if it has none.
func (s *suite) store() sink.FileStore {
	s.Helper()
	store := s.Provider.Info().FileStore
	if store == nil {
		s.Skip("it keeps no files for rows")
	}
	if !store.Takes(storedType) || store.Takes("application/x-unknown") {
		s.Errorf("it takes %s: %t, and what nobody knows: %t", storedType, store.Takes(storedType), store.Takes("application/x-unknown"))
	}
	return store
}

func (s *suite) put(store sink.FileStore, name string) string {
	s.Helper()
	id, err := store.Put(s.ctx, name, storedType, aPDF)
	s.must(err)
	return id
}

// wantStored fails unless the store lists exactly these ids under a prefix.
func (s *suite) wantStored(store sink.FileStore, prefix string, want ...string) {
	s.Helper()
	var got []string
	for f, err := range store.Stored(s.ctx, prefix) {
		s.must(err)
		got = append(got, f.File)
		if f.Created.IsZero() {
			s.Errorf("%s was created at no time", f.Tag)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.Errorf("stored under %q are %q, want %q", prefix, got, want)
	}
}

// wantThere fails unless Has says so.
func (s *suite) wantThere(store sink.FileStore, id string, want bool) {
	s.Helper()
	if there, err := store.Has(s.ctx, id); err != nil || there != want {
		s.Errorf("%s is there: %t, %v", id, there, err)
	}
}

func (s *suite) storedFiles() {
	store := s.store()
	one, two, other := s.put(store, "a-1.pdf"), s.put(store, "a-1.pdf"), s.put(store, "b-1.pdf")
	s.buy("a-tag", s.good(1)...) // whose rows are no file of the store
	s.wantStored(store, "a-", one, two)
	s.wantStored(store, "a-1.pdf", one, two)
	for range 2 {
		s.must(store.Delete(s.ctx, one))
	}
	s.wantThere(store, one, false)
	s.wantThere(store, two, true)
	s.wantStored(store, "a-", two)
	s.wantStored(store, "b-", other)
	if stranger := s.Stranger.Info().FileStore; stranger != nil {
		_, err := stranger.Put(s.ctx, "a-2.pdf", storedType, aPDF)
		s.want(retry.Blocked, "storing with a wrong key", err)
		_, err = stranger.Has(s.ctx, two)
		s.want(retry.Blocked, "looking with a wrong key", err)
	}
	if keeps := store.Keeps(); keeps < 0 {
		s.Errorf("it keeps files for %s", keeps)
	}
}

func (s *suite) rowsReferToFiles() {
	store := s.store()
	there, gone := s.put(store, "a-1.pdf"), s.put(store, "a-2.pdf")
	h := s.buy("refers", s.about(store, there), s.about(store, gone))
	s.must(store.Delete(s.ctx, gone))
	s.Finish()
	s.await(h)
	got := s.outcomes(h)
	if o := got[id(0)]; o.Err != nil || o.Status != 200 {
		s.Errorf("a row about a file that is there: %+v, %v", o, o.Err)
	}
	if o := got[id(1)]; o.Err == nil || o.Err.Class != retry.Permanent {
		s.Errorf("a row about a file that is gone: %+v, %v", o, o.Err)
	}
}

// about is a row that asks about a stored file.
func (s *suite) about(store sink.FileStore, id string) json.RawMessage {
	s.Helper()
	file := store.Refer(llm.File{Name: "a.pdf", Type: storedType}, id)
	body, err := s.Provider.Info().Codec.Encode(s.Model, llm.Chat{Messages: []llm.Message{{
		Role: llm.RoleUser, Parts: []llm.Part{{Document: &file}, {Text: "What is in it?"}},
	}}})
	s.must(err)
	return body
}
