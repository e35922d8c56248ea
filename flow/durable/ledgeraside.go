package durable

import "github.com/balerhq/baler/flow/durable/internal/jobdir"

// maxAside bounds how many rows of tenants are kept in memory whose budget
// allows no more. Others wait for the next run.
const maxAside = 100_000

// aside holds rows of tenants whose budget allows no more for now.
type aside struct {
	rows    []jobdir.Entry  // since version
	again   []jobdir.Entry  // something was settled since these were set aside
	left    map[uint16]bool // targets of rows that wait for the next run
	version int             // of the ledger, when the last of them came
}

func (a *aside) add(rows []jobdir.Entry, version int) {
	if len(rows) == 0 {
		return
	}
	a.renew(version)
	n := min(len(rows), maxAside-len(a.rows)-len(a.again))
	a.rows = append(a.rows, rows[:n]...)
	for i := range rows[n:] {
		if a.left == nil {
			a.left = make(map[uint16]bool)
		}
		a.left[rows[n+i].Target] = true
	}
}

// renew lets the rows go on if something was settled since.
func (a *aside) renew(version int) {
	if a.version != version {
		a.again, a.rows, a.version = append(a.again, a.rows...), nil, version
	}
}

// tenants returns whose rows are set aside.
func (a *aside) tenants(nameOf func(target int) string) map[string]bool {
	names := make(map[string]bool)
	for _, rows := range [][]jobdir.Entry{a.rows, a.again} {
		for i := range rows {
			names[nameOf(int(rows[i].Target))] = true
		}
	}
	for target := range a.left {
		names[nameOf(int(target))] = true
	}
	return names
}

// mayGoOn reports whether there are rows set aside that may have room now.
func (l *ledger) mayGoOn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.aside.renew(l.version)
	return len(l.aside.again) > 0
}

// goOn returns rows that were set aside and may have room now, at most n.
func (l *ledger) goOn(n int) (rows []jobdir.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.aside.renew(l.version)
	n = min(n, len(l.aside.again))
	rows, l.aside.again = l.aside.again[:n:n], l.aside.again[n:]
	return rows
}
