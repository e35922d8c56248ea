package gostreams

import "github.com/balerhq/baler/flow"

// outcome is how a pipeline ended, for readers that do not wait for it.
type outcome struct {
	done chan struct{} // closed when err is final
	err  error
}

func newOutcome() outcome { return outcome{done: make(chan struct{})} }

func (o *outcome) await(p *flow.Pipeline) {
	o.err = p.Wait()
	close(o.done)
}

func (o *outcome) get() error {
	select {
	case <-o.done:
		return o.err
	default:
		return nil
	}
}
