package main

import (
	"log"
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

// profileHeap writes a profile of the heap whenever it is larger than before,
// until stop.
func profileHeap(name string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		largest := uint64(0)
		for tick := time.Tick(200 * time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick:
			}
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapAlloc <= largest+largest/20 {
				continue
			}
			largest = m.HeapAlloc
			if err := writeHeap(name); err != nil {
				log.Print(err)
			}
		}
	}()
	return func() { close(done); <-ended }
}

func writeHeap(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := pprof.WriteHeapProfile(f); err != nil {
		return err
	}
	return f.Close()
}
