// Service answers each request by itself and asks its database once for many:
// requests that arrive at about the same time share one query.
//
//	curl http://127.0.0.1:8080/users/7
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/balerhq/baler/accumulator"
)

var errUnknown = errors.New("no such user")

// users stands for a database that takes a while for each query, however many
// users it is asked for.
type users struct{ names map[int]string }

// find is one query. It has a result for each id.
func (u *users) find(ctx context.Context, b accumulator.Batch[int]) ([]accumulator.Result[string], error) {
	defer b.Release()
	answer := time.NewTimer(10 * time.Millisecond)
	defer answer.Stop()
	select {
	case <-answer.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	found := make([]accumulator.Result[string], len(b.Items))
	for i, id := range b.Items {
		name, ok := u.names[id]
		if found[i].Value = name; !ok {
			found[i].Err = errUnknown
		}
	}
	return found, nil
}

type loader = accumulator.Loader[int, string]

func newLoader(ctx context.Context, u *users) (*loader, error) {
	limits := accumulator.Config{MaxItems: 100, MaxWait: 2 * time.Millisecond, Workers: 4}
	return accumulator.NewLoader(ctx, accumulator.New[int](limits), u.find)
}

// handler shares the query for a user that several requests want at a time.
func handler(l *loader) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			http.Error(w, "the id is no number", http.StatusBadRequest)
			return
		}
		name, err := l.DoShared(r.Context(), r.PathValue("id"), id)
		switch {
		case errors.Is(err, errUnknown):
			http.Error(w, err.Error(), http.StatusNotFound)
		case errors.Is(err, accumulator.ErrClosed):
			http.Error(w, "shutting down", http.StatusServiceUnavailable)
		case err != nil: // also of a client that has left
			http.Error(w, "try again", http.StatusInternalServerError)
		default:
			fmt.Fprintln(w, name)
		}
	})
	return mux
}

// serve serves until ctx is done. Then it answers the requests that it has.
func serve(ctx context.Context, listener net.Listener, server *http.Server, l *loader) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(ending), l.Close(ending)) // the loader last: requests need it
}

func run(ctx context.Context, address string) error {
	l, err := newLoader(context.WithoutCancel(ctx), &users{map[int]string{7: "Ann"}})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return errors.Join(err, l.Close(ctx))
	}
	return serve(ctx, listener, &http.Server{Handler: handler(l), ReadHeaderTimeout: time.Second}, l)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, "127.0.0.1:8080")
	stop()
	if err != nil {
		log.Fatal(err)
	}
}
