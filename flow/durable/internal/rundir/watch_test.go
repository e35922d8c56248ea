package rundir

import (
	"os"
	"path/filepath"
	"testing"
)

// Each change is seen at the next look, whoever makes it, and so is damage.
func TestWatchSeesEachChange(t *testing.T) {
	d := newTestDir(t)
	w := &Watch{Dir: d}
	look := func() Control {
		t.Helper()
		c, err := w.Control()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := look(); c.Want != Running || c.Rev != 0 {
		t.Fatalf("%+v", c)
	}
	for rev := 1; rev <= 100; rev++ {
		want := []string{Running, Paused}[rev%2]
		if _, err := d.Change(func(c *Control) (bool, error) { c.Want = want; return true, nil }); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if c := look(); c.Rev != rev || c.Want != want {
				t.Fatalf("%+v, want revision %d", c, rev)
			}
		}
	}
	for _, name := range []string{ControlFile, ControlCopy} {
		if err := os.WriteFile(filepath.Join(d.Path, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if c, err := w.Control(); err == nil {
			t.Errorf("%+v", c)
		}
	}
}

// What seems to be the same file is read again after a while.
func TestWatchReadsAgainAfterAWhile(t *testing.T) {
	d := newTestDir(t)
	if _, err := d.Change(func(*Control) (bool, error) { return true, nil }); err != nil {
		t.Fatal(err)
	}
	w := &Watch{Dir: d}
	if c, err := w.Control(); err != nil || c.Rev != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := d.Change(func(*Control) (bool, error) { return true, nil }); err != nil {
		t.Fatal(err)
	}
	w.seen = [2]os.FileInfo{d.info(ControlFile), d.info(ControlCopy)} // as if nothing had changed
	for range reread - 1 {
		if c, err := w.Control(); err != nil || c.Rev != 1 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	if c, err := w.Control(); err != nil || c.Rev != 2 {
		t.Errorf("%+v, %v", c, err)
	}
}

// What has counted resumptions goes on counting in a run that is renewed: what
// was judged before is compared with the count.
func TestARenewedRunKeepsItsResumptions(t *testing.T) {
	t.Parallel()
	for name, renew := range map[string]func(Dir) error{"renewed": Dir.Renew, "fresh": Dir.RenewFresh} {
		d := newTestDir(t)
		if _, err := d.Change(func(c *Control) (bool, error) { c.Want, c.Resumes = Cancelled, 3; return true, nil }); err != nil {
			t.Fatal(err)
		}
		if err := renew(d); err != nil {
			t.Fatal(err)
		}
		if c, err := d.Control(); err != nil || c.Want != Running || c.Resumes != 3 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}
