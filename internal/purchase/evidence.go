package purchase

import "time"

// A batch with missing rows is downloaded again, after longer and longer waits,
// for patience times the grace. Late files come within seconds, and an outage
// is over within minutes. Then a person may decide.
const (
	patience        = 6
	minDownloads    = 3 // downloads before a person is asked to decide
	agreedDownloads = 2 // downloads that must agree before rows count as never run
	agreementGap    = 6 // polling intervals between these, at least
)

// Evidence is what the driver of an ended batch remembers of its downloads. It
// is not stored, because another process can begin anew.
type Evidence struct {
	First     time.Time // when rows were missing first
	Downloads int       // downloads since then that brought nothing new
	Next      time.Time // when to download again
	agreed    int       // downloads in a row that reported the same number of rows that never ran
	absent    int       // that number
}

// Agree records that the provider's counts leave room for all absent rows. It
// reports whether that was said often enough: twice, a grace apart, because a
// status may be ahead of its counts and files. If not, Next says when to ask
// again.
func (e *Evidence) Agree(absent int, shortest, grace time.Duration) (enough bool) {
	if e.agreed == 0 || e.absent != absent {
		e.agreed, e.absent = 0, absent
	}
	if e.agreed++; e.agreed >= agreedDownloads {
		return true
	}
	e.Next = time.Now().Add(AgreementWait(shortest, grace))
	return false
}

// AgreementWait returns for how long a batch waits at most until its counts
// have to say the same again.
func AgreementWait(shortest, grace time.Duration) time.Duration {
	return max(agreementGap*shortest, grace)
}

// Disagree records that absent rows may have run.
func (e *Evidence) Disagree() { e.agreed = 0 }

// Missing records a download after which rows are missing. Fresh is how many
// rows it brought, and err why there may be more. Next then says when to
// download again.
func (e *Evidence) Missing(fresh int, shortest time.Duration, err error) {
	if e.First.IsZero() {
		e.First = time.Now()
	}
	if e.Downloads++; fresh > 0 {
		e.Downloads = 1
	}
	e.Next = time.Now().Add(Backoff(shortest, e.Downloads, err))
}

// Over reports whether a person has to decide about the missing rows.
func (e *Evidence) Over(grace time.Duration) bool {
	return e.Downloads >= minDownloads && time.Since(e.First) >= patience*grace
}
