package durable

import (
	"context"
	"errors"
	"hash/maphash"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// rawKeeper keeps what providers send about batches as it comes, if
// Job.KeepRaw asks for it. Otherwise it costs nothing.
type rawKeeper struct {
	*config
	*jobdir.Dir
}

// keep lets do call the provider of a batch. Then it adds what the provider has
// sent to the file of the batch, unless do fails. If the process dies in
// between, the batch is where it was before do, which is called again.
func (k *rawKeeper) keep(ctx context.Context, in intent.Intent, do func(context.Context) error) error {
	if !k.keepRaw {
		return do(ctx)
	}
	var failed error
	err := k.WriteRaw(in.Tag, func(put jobdir.Put) error {
		w := rawWriter{put: put, seed: maphash.MakeSeed(), has: make(map[uint64]bool)}
		for r, err := range k.ReadRaw(in.Tag) {
			if err != nil { // nothing depends on it, and the provider may still have it
				k.log.WarnContext(ctx, "what the provider sent about a batch before is damaged", "tag", in.Tag, "batch", in.Batch, "error", err)
				break
			}
			w.add(r.Part, r.Text)
		}
		before := len(w.has)
		failed = do(sink.ObserveRaw(ctx, w.add))
		switch {
		case failed != nil:
			return failed
		case w.err == nil && len(w.has) == before:
			return errNothingNew
		}
		return w.err
	})
	if failed != nil || errors.Is(err, errNothingNew) {
		return failed
	}
	return err
}

// note returns a context under which object becomes what the provider says of a
// batch.
func (k *rawKeeper) note(ctx context.Context, object *[]byte) context.Context {
	if !k.keepRaw {
		return ctx
	}
	return sink.ObserveRaw(ctx, func(part sink.RawPart, text []byte) {
		if part == sink.RawBatch {
			*object = append((*object)[:0], text...)
		}
	})
}

// add keeps what the provider says of a batch that it refuses, because another
// one may follow under the same tag.
func (k *rawKeeper) add(ctx context.Context, in intent.Intent, object []byte) error {
	if len(object) == 0 {
		return nil
	}
	return k.keep(ctx, in, func(ctx context.Context) error {
		sink.RawObserver(ctx)(sink.RawBatch, object)
		return nil
	})
}

// rawWriter writes each text once, because a file may be read several times.
type rawWriter struct {
	put  jobdir.Put
	seed maphash.Seed
	has  map[uint64]bool // by hash
	err  error
}

func (w *rawWriter) add(part sink.RawPart, text []byte) {
	var h maphash.Hash
	h.SetSeed(w.seed)
	_, _ = h.WriteString(string(part))
	_, _ = h.Write(text)
	if sum := h.Sum64(); w.err == nil && !w.has[sum] {
		w.has[sum] = true
		w.err = jobdir.PutRaw(w.put, part, text)
	}
}
