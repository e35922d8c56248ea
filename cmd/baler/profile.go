//go:build profile

package main

import (
	"os"
	"runtime/pprof"
)

// startProfile writes a CPU profile to the file that BALER_CPUPROFILE names, for
// bench/endtoend.
func startProfile() (stop func()) {
	f, err := os.Create(os.Getenv("BALER_CPUPROFILE"))
	if err != nil {
		return func() {}
	}
	_ = pprof.StartCPUProfile(f)
	return pprof.StopCPUProfile
}
