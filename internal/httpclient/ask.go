package httpclient

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/balerhq/baler/retry"
)

// maxErrorAnswer is how much of an error reply an Answer has.
const maxErrorAnswer = 64 << 10

// Answer is a reply that was read as a whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Ask makes a call whose reply counts whatever its status. An error reply is
// both an Answer and an error. Only ctx bounds the time to the answer, since a
// model may take many minutes.
//
// A call of EffectCreate is Ambiguous if it may have reached the server and
// there is no whole reply. An error reply says that there is no answer, so it
// has the class of a call without effects.
func (c *Client) Ask(ctx context.Context, call Call) (Answer, error) {
	if c == nil {
		return Answer{}, errZero
	}
	if err := c.turns.await(ctx, call); err != nil {
		return Answer{}, err
	}
	watched, stop := call.watch(ctx)
	defer stop()
	a, err := c.ask(watched, call)
	return a, c.fit(ctx, err)
}

func (c *Client) ask(ctx context.Context, call Call) (a Answer, err error) {
	reply, err := c.reply(ctx, call)
	if err != nil {
		return a, err
	}
	defer reply.Close()
	a.Status, a.Header = reply.Status, reply.Header
	if a.Status/100 != 2 {
		a.Body, _ = io.ReadAll(c.hide.reader(io.LimitReader(reply, maxErrorAnswer))) // what arrived is enough
		said := c.grammar(retry.EffectIdempotent, a.Status, a.Header, a.Body[:min(len(a.Body), maxError)])
		return a, fmt.Errorf("%s: %w", call, said)
	}
	if a.Body, err = io.ReadAll(c.hide.reader(atMost(reply, maxReply))); err != nil {
		return a, unread(call.Effect, fmt.Errorf("%s: read reply: %w", call, err))
	}
	return a, nil
}
