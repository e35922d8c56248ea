package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
)

// spool keeps standard input in the state directory, from where it is read. If
// it is empty, what an earlier start has kept counts.
func (o *options) spool(cmd *cobra.Command, tell func(string)) (err error) {
	if !o.inputs.standard() || o.inputs.spooled.Path != "" {
		return nil
	}
	dir, err := quietDir(o.state, newLogger(cmd.ErrOrStderr()))
	if err != nil {
		return refusedState(err, o.state)
	}
	earlier, err := dir.Spooled(o.name, "")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	in := cmd.InOrStdin()
	if file, ok := in.(*os.File); ok && earlier.Path != "" {
		if info, err := file.Stat(); err == nil && info.Mode()&fs.ModeCharDevice != 0 {
			in = strings.NewReader("") // a terminal, where nobody would type it again
		}
	}
	o.inputs.spooled, err = dir.Spool(o.name, &untilDone{cmd.Context(), in})
	switch {
	case errors.Is(err, state.ErrInUse):
		return refusedState(err, o.state)
	case err != nil:
		return o.explain(err, durable.Report{})
	case o.inputs.spooled.Size > 0:
		tell(fmt.Sprintf("%s is kept until the run is pruned or removed: %s in %s", stdinName, size(o.inputs.spooled.Size), o.inputs.spooled.Path))
		return nil
	}
	_ = os.Remove(o.inputs.spooled.Path) // it is empty
	if o.inputs.spooled = earlier; earlier.Path == "" {
		return usage("%s is empty", stdinName)
	}
	tell(fmt.Sprintf("%s is empty: the run goes on with the %s that were kept", stdinName, size(earlier.Size)))
	return nil
}

// untilDone reads until the context ends, though a read may never return.
type untilDone struct {
	ctx context.Context //nolint:containedctx // of Read, which takes none
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (n int, err error) {
	type result struct {
		buf []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		buf := make([]byte, len(p))
		n, err := u.r.Read(buf)
		done <- result{buf[:n], err}
	}()
	select {
	case r := <-done:
		return copy(p, r.buf), r.err
	case <-u.ctx.Done():
		return 0, context.Cause(u.ctx)
	}
}

// anew is a source that is another one at each start of a run, and so knows no
// place to go on after.
type anew struct{ durable.Source[source.Row] }

func (anew) PassesBadRows() bool   { return true }
func (anew) Checkpoint() string    { return "" }
func (a anew) Resume(string) error { return a.Source.Resume("") }
