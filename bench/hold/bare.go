package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// bareAddr is where the bare server listens.
const bareAddr = "127.0.0.1:14748"

// serveBare is the least that net/http needs for a held call: a handler that
// reads it, waits, and says once that it is at work.
func serveBare() error {
	var held atomic.Int64
	server := &http.Server{Addr: bareAddr, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprintln(w, "serve", held.Load(), "wait")
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		held.Add(1)
		timer := time.NewTimer(20 * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
			w.WriteHeader(http.StatusProcessing)
		case <-r.Context().Done():
			return
		}
		<-r.Context().Done()
	})}
	return server.ListenAndServe()
}

// inBare holds the calls in a bare server, a process of its own: the floor.
func inBare() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	serve := exec.CommandContext(context.Background(), self, "-bare") //nolint:gosec // our own
	if err := serve.Start(); err != nil {
		return err
	}
	defer func() { _ = serve.Wait() }()
	const front = "http://" + bareAddr
	via := &http.Transport{}
	defer via.CloseIdleConnections()
	until(func() bool { return stats(front) != "" })
	idle := rss(serve.Process.Pid)
	go func() {
		until(func() bool { return stats(front) == fmt.Sprintln("serve", *calls, "wait") })
		settle()
		fmt.Printf("| bare net/http, memory of a held call | %.1f KB |\n", float64(rss(serve.Process.Pid)-idle)/float64(*calls))
		_ = serve.Process.Kill()
	}()
	askAll(via, front) // none is answered
	return nil
}
