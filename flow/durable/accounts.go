package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/sink"
)

// maxWitnesses limits how many batches are asked for when a new key has to
// prove that it belongs to the earlier account.
const maxWitnesses = 10

// witness is something at the provider that only its account can see.
type witness struct {
	sink.Handle
	tag, account string
	route        int
	sent         time.Time
}

func newWitness(in intent.Intent) witness {
	return witness{handle(in), in.Tag, in.Account, in.Route, in.SentAt}
}

// accounts knows which accounts are the same. A key that sees a batch of ours,
// by its name and its tag, belongs to the account of that batch.
type accounts struct {
	*config
	clock   *clock
	notices *notices
	calls   *calls
	batches *batches

	proving   sync.Mutex // one at a time, as one proof serves all
	mu        sync.Mutex
	first     map[string]string    // maps an account to one that it is the same as
	witnesses map[string][]witness // of other accounts: the open ones first, then the latest
}

// same reports whether two accounts are known to be one.
func (a *accounts) same(x, y string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.root(x) == a.root(y)
}

func (a *accounts) root(x string) string {
	for {
		first, ok := a.first[x]
		if !ok {
			return x
		}
		x = first
	}
}

func (a *accounts) join(s jobdir.AccountAlias) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if x, y := a.root(s.Account), a.root(s.As); x != y {
		a.first[x] = y
	}
}

// recoverAccounts reads from the journal which accounts are the same, and which
// batches other accounts have bought.
func (a *accounts) recoverAccounts(replayed *jobdir.Replayed) {
	a.first, a.witnesses = make(map[string]string), make(map[string][]witness)
	for _, s := range replayed.Aliases {
		a.join(s)
	}
	var others []intent.Intent
	for _, in := range replayed.Intents {
		visible := in.Batch != "" && !in.Unproven || in.File != "" && !in.Done()
		if visible && in.Account != "" && !a.isAccount(a.batches.serviceOf(in), in.Account) {
			others = append(others, in)
		}
	}
	slices.SortFunc(others, func(x, y intent.Intent) int {
		return cmp.Or(cmp.Compare(doneLast(x), doneLast(y)), y.SentAt.Compare(x.SentAt), cmp.Compare(x.Tag, y.Tag))
	})
	for _, in := range others {
		if all := a.witnesses[in.Account]; len(all) < maxWitnesses {
			a.witnesses[in.Account] = append(all, newWitness(in))
		}
	}
}

func doneLast(in intent.Intent) int {
	if in.Done() {
		return 1
	}
	return 0
}

// isAccount reports whether the account is known to be that of the service. The
// batches of a live provider are on this machine, so every key sees them, and
// that proves nothing.
func (a *accounts) isAccount(s *service, account string) bool {
	return s.info.Live || a.same(account, s.info.Account)
}

// sameAccount makes sure that the key sees the intent's batch. With the key of
// another account, the batch would seem to be gone. If the answer is not known
// yet, it waits and returns false without an error.
func (a *accounts) sameAccount(ctx context.Context, in intent.Intent) (same bool, err error) {
	err = a.mustBeAccount(ctx, newWitness(in))
	var mismatch *MismatchError
	if err != nil && !errors.As(err, &mismatch) {
		return false, a.calls.backOff(ctx, a.batches.serviceOf(in), in, "finding out whose it is", 0, err)
	}
	return err == nil, err
}

// mustBeAccount returns a *MismatchError if the key does not see what another
// key has made.
func (a *accounts) mustBeAccount(ctx context.Context, w witness) error {
	now := a.batches.routes.serviceOf(w.route)
	if a.isAccount(now, w.account) {
		return nil
	}
	a.proving.Lock()
	defer a.proving.Unlock()
	if a.isAccount(now, w.account) {
		return nil // another has found out meanwhile
	}
	for _, w := range append([]witness{w}, a.witnesses[w.account]...) {
		switch visible, err := a.sees(ctx, w); {
		case err != nil:
			return err
		case visible:
			return a.joinAccounts(ctx, now.info.Account, w.account)
		}
	}
	return &MismatchError{Reason: fmt.Sprintf("batch %s was created by account %s, and this one is %s, which sees no batch of it: "+
		"use a key of that account, and the same base URL; if there is none any more, begin the run under another name, "+
		"and give it what was delivered (baler doctor --adopt-output)", cmp.Or(w.Batch, w.tag), w.account, now.info.Account)}
}

// joinAccounts records that the account is the same as the earlier one.
func (a *accounts) joinAccounts(ctx context.Context, now, before string) error {
	s := jobdir.AccountAlias{Account: now, As: before}
	if err := a.batches.journal.Append(jobdir.Line{Account: &s}); err != nil {
		return err
	}
	a.join(s)
	a.log.InfoContext(ctx, "the key is another, and the account the same", "account", s.Account, "before", s.As)
	return nil
}

// sees reports whether the account has the batch, under its tag where the
// provider keeps one, or else the upload. Only the batch itself can be denied:
// a list that cannot be read to its end says nothing about what is not in it.
func (a *accounts) sees(ctx context.Context, w witness) (bool, error) {
	if w.Batch == "" {
		return a.seesFile(ctx, w)
	}
	from := a.batches.routes.serviceOf(w.route)
	switch _, err := from.Status(ctx, w.Handle); {
	case denied(err):
		return false, nil
	case err != nil:
		return false, err
	}
	found, err := from.Find(ctx, w.tag, a.clock.past(w.sent).Add(-purchase.WideSlack))
	if errors.Is(err, errors.ErrUnsupported) {
		return true, nil
	}
	return slices.Contains(found, w.Batch), err
}

func (a *accounts) seesFile(ctx context.Context, w witness) (bool, error) {
	from := a.batches.routes.serviceOf(w.route)
	if !from.info.Files || w.File == "" {
		return false, nil
	}
	for f, err := range from.Files(ctx) {
		if err != nil {
			return false, err
		}
		if f.File == w.File && f.Tag == w.tag {
			return true, nil
		}
	}
	return false, nil
}

// notFindable handles a batch in doubt that another key has created, if its
// account is not known to be this one. If the rows are settled, only the
// cancellation of a second batch depends on it, and that must not hold up the
// run.
func (a *accounts) notFindable(ctx context.Context, in intent.Intent, err error) (intent.Intent, error) {
	if ctx.Err() != nil || !unlisted(err) || in.State != intent.Committed && in.State != intent.Rejected {
		return in, err
	}
	a.notices.raise(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag, Batch: in.Batch,
		Text:   "whether it was bought twice cannot be found out, as another key has created it",
		Advice: "look in that account for a batch of the tag " + in.Tag,
	})
	return a.batches.advance(ctx, in, intent.Listed{})
}

// notCancellable leaves a second batch alone that another key has bought, if
// its account is not known to be this one.
func (a *accounts) notCancellable(ctx context.Context, in intent.Intent, err error) (intent.Intent, error) {
	if ctx.Err() != nil || !unlisted(err) {
		return in, err
	}
	surplus := in.Surplus[in.Cancelled]
	a.notices.raise(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag, Batch: surplus,
		Text:   "it was bought twice and cannot be cancelled, as another key has created it",
		Advice: "cancel it with a key of that account",
	})
	return a.batches.advance(ctx, in, intent.CancelDone{})
}
