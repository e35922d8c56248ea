package durable

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink"
)

// idleTime is how long after its creation a batch counts that no job of this
// process waits for, unless the provider says before that it has ended.
const idleTime = 24*time.Hour + DefaultGrace

// askInterval is how often the provider is asked about such a batch while
// others wait for its room.
const askInterval = time.Minute

// recover counts the batches of all jobs of a state directory that their
// providers have, until the jobs go on with them. What cannot be read is left
// to whoever mends it.
func (r *rooms) recover(ctx context.Context, store *state.Dir, log *slog.Logger) {
	r.kept = state.NewCapacity(store, "limits of what is enqueued")
	jobs := make(map[jobdir.Keys]map[string]intent.Intent)
	for rec, err := range store.Scan(ctx, []byte{jobdir.IntentKind}, nil) {
		if err != nil {
			log.WarnContext(ctx, "batches of other runs are not counted among what is enqueued", "error", err)
			return
		}
		var in intent.Intent
		if json.Unmarshal(rec.Value, &in) != nil || !atProvider(in) {
			continue
		}
		k := jobdir.Keys{Job: [8]byte(rec.Key[1:])}
		if jobs[k] == nil {
			jobs[k] = make(map[string]intent.Intent)
		}
		jobs[k][in.Tag] = in
	}
	for k, open := range jobs {
		if err := r.recoverJob(store.Root(), k, open); err != nil {
			log.WarnContext(ctx, "batches of another run are not counted among what is enqueued", "job", k.Dir(), "error", err)
		}
	}
}

func (r *rooms) recoverJob(root *os.Root, k jobdir.Keys, open map[string]intent.Intent) error {
	meta, err := jobdir.ReadMeta(root, k.Dir())
	if err != nil || meta == nil {
		return err
	}
	sub, err := root.OpenRoot(k.Dir())
	if err != nil {
		return err
	}
	defer sub.Close()
	dir := jobdir.Dir{Keys: k, ID: meta.ID, Root: sub}
	for _, in := range open {
		h, err := dir.Header(in.Tag)
		if err != nil {
			return err
		}
		r.record(&stay{
			place: placeOf(in.Account, h.Model, h.Live), tag: in.Tag, owner: k.Dir(), load: loadOf(in),
			handle: handle(in), idle: true, until: in.SentAt.Add(idleTime),
		})
	}
	return nil
}

// loadOf returns what a batch has enqueued.
func loadOf(in intent.Intent) ratelimit.Load {
	return ratelimit.Load{Tokens: int(in.Tokens), Rows: in.Rows, Batches: 1}
}

// due returns the batches of an account that no job waits for and that nobody
// has asked about for a while.
func (r *rooms) due(account string, now time.Time) (idle []*stay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.stays {
		if s.idle && s.account == account && now.Sub(s.asked) >= askInterval {
			s.asked = now
			idle = append(idle, s)
		}
	}
	return idle
}

// ask gives back the room of idle batches that have ended. An error says
// nothing about a batch, unless the account has none of that name.
func (r *rooms) ask(ctx context.Context, from sink.Provider, now time.Time, idle []*stay) {
	for _, s := range idle {
		ended := !now.Before(s.until)
		if s.handle.Batch != "" {
			status, err := from.Status(ctx, s.handle)
			ended = err == nil && status.Ended || denied(err) || err != nil && ended
		}
		r.mu.Lock()
		ended = ended && s.idle // its job may have begun meanwhile
		r.mu.Unlock()
		if ended {
			r.leave(s.tag)
		}
	}
}
