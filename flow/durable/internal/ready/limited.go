package ready

import "github.com/balerhq/baler/flow/durable/internal/jobdir"

// Hold notes the entries of a batch that is sealed, which count for the limits
// of their tenants until Unpin. Found says that an earlier process has sealed
// it.
func (r *Log) Hold(tag string, entries []jobdir.Entry, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.limits() {
		return
	}
	targets := targetsOf(entries)
	r.line.hold(tag, targets)
	if found {
		r.line.recovered(tag)
		names := make(map[string]bool)
		for _, n := range targets {
			names[r.line.Tenant(n)] = true
		}
		r.line.count(tag, names)
	}
}

// Limits reports whether the entries of open batches count for limits.
func (r *Log) Limits() bool { return r.limits() }

func (r *Log) limits() bool { return r.line != nil && r.line.limited() }

// Admit counts a batch for the limit of batches of the tenants of its entries,
// until Unpin. It returns the entries that the batch may have, and those that
// wait again, since their tenants may have no more batches.
func (r *Log) Admit(tag string, entries []jobdir.Entry) (admitted, back []jobdir.Entry, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.line == nil || r.line.Batches == 0 {
		return entries, nil, nil
	}
	below, full := r.line.split(targetsOf(entries))
	r.line.count(tag, below)
	for i := range entries {
		w, leaving := r.leaving[entries[i].Seq]
		if !leaving || !full[r.line.Tenant(int(entries[i].Target))] {
			admitted = append(admitted, entries[i])
			continue
		}
		delete(r.leaving, entries[i].Seq)
		if err := r.line.giveBack(w); err != nil {
			return nil, nil, err
		}
		back = append(back, entries[i])
	}
	return admitted, back, nil
}

// LetGo ends what Hold and Admit have begun for a batch that is not done: it
// was not sealed, or its entries were freed.
func (r *Log) LetGo(tag string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.limits() {
		return nil
	}
	return r.line.release(tag)
}

// targetsOf returns the targets of the entries that count for limits.
func targetsOf(entries []jobdir.Entry) (targets []int) {
	for i := range entries {
		if !entries[i].Follows() {
			targets = append(targets, int(entries[i].Target))
		}
	}
	return targets
}
