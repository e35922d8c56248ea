package durable_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Files of rows that no job knows are found, but for young ones, those of jobs
// here, those of others that are at work, and those of anybody else.
func TestFilesOfRowsThatNoJobKnows(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
		store := w.Provider.Info().FileStore
		put := func(name string) string {
			w.T.Helper()
			id, err := store.Put(w.T.Context(), name, "application/pdf", []byte("%PDF-1.7"))
			if err != nil {
				w.T.Fatal(err)
			}
			return id
		}
		lost := put("ABCDEFG-0123456789abcdef01234567-a.pdf")
		put("BUSYONE-0123456789abcdef01234567-a.pdf")
		for _, name := range []string{"a.pdf", "ABCDEFG-a.pdf", "abcdefg-0123456789abcdef01234567-a.pdf"} {
			put(name)
		}
		spec := sink.Spec{Tag: "BUSYONEHIJKLMNOP", Endpoint: "/v1/chat/completions", Model: "gpt-test"}
		rows := func(yield func(sink.Row, error) bool) {
			yield(sink.Row{ID: "BUSYONEHIJKLMNOP_a", Body: []byte(`{"model":"gpt-test","messages":[{"role":"user","content":"a"}]}`)}, nil)
		}
		file, err := w.Provider.Upload(w.T.Context(), spec, rows)
		if err != nil {
			w.T.Fatal(err)
		}
		if _, err := w.Provider.Create(w.T.Context(), spec, file, rows); err != nil {
			w.T.Fatal(err)
		}
		job, _ := sharedFile(w, 2)
		job.FileUpload, job.KeepRemote = durable.FileUploadAlways, durable.KeepForever
		time.Sleep(time.Second)
		w.MustRun(job) // which knows its own
		find := func(want ...string) {
			w.T.Helper()
			files, err := w.StateDir().OrphanStored(w.T.Context(), w.Provider, 2*time.Hour)
			if err != nil {
				w.T.Fatal(err)
			}
			var found []string
			for _, f := range files {
				found = append(found, f.Tag)
			}
			if slices.Sort(found); !slices.Equal(found, want) {
				w.T.Errorf("found %q, want %q", found, want)
			}
		}
		find()
		time.Sleep(110 * time.Minute)
		second := put("ABCDEFG-0123456789abcdef01234567-b.pdf")
		time.Sleep(11 * time.Minute)
		find("ABCDEFG-0123456789abcdef01234567-a.pdf", "BUSYONE-0123456789abcdef01234567-a.pdf") // whose batch has ended by now
		for _, id := range []string{lost, second} {
			if err := store.Delete(w.T.Context(), id); err != nil {
				w.T.Fatal(err)
			}
		}
		find("BUSYONE-0123456789abcdef01234567-a.pdf")
	})
}

// A batch that runs keeps the files of its job.
func TestFilesOfRowsOfABatchThatRunsAreNoOrphans(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
		if _, err := w.Provider.Info().FileStore.Put(w.T.Context(), "BUSYONE-0123456789abcdef01234567-a.pdf", "application/pdf", []byte("%PDF-1.7")); err != nil {
			w.T.Fatal(err)
		}
		spec := sink.Spec{Tag: "BUSYONEHIJKLMNOP", Endpoint: "/v1/chat/completions", Model: "gpt-test"}
		rows := func(yield func(sink.Row, error) bool) {
			yield(sink.Row{ID: "BUSYONEHIJKLMNOP_a", Body: []byte(`{"model":"gpt-test","messages":[{"role":"user","content":"a"}]}`)}, nil)
		}
		file, err := w.Provider.Upload(w.T.Context(), spec, rows)
		if err == nil {
			_, err = w.Provider.Create(w.T.Context(), spec, file, rows)
		}
		if err != nil {
			w.T.Fatal(err)
		}
		for _, want := range []int{0, 1} {
			time.Sleep(3 * time.Hour)
			if files, err := w.StateDir().OrphanStored(w.T.Context(), w.Provider, time.Hour); err != nil || len(files) != want {
				w.T.Errorf("%+v, %v", files, err)
			}
		}
		if _, err := w.StateDir().OrphanStored(w.T.Context(), noStore{w.Provider}, time.Hour); !errors.Is(err, errors.ErrUnsupported) {
			w.T.Error(err)
		}
	})
}
