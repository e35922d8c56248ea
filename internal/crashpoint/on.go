//go:build crashpoint

package crashpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Armed reports whether the program was built to crash.
const Armed = true

var (
	mu         sync.Mutex // points are passed one at a time, so that the nth is one point
	passed     int        // the fatal point
	nth, fatal = parse(take(At))
	tracing    = take(Trace)
)

// Here is a point at which the process may be made to die.
func Here(name string) {
	mu.Lock()
	defer mu.Unlock()
	if tracing != "" {
		trace(name)
	}
	if name != fatal {
		return
	}
	if passed++; passed == nth {
		die()
	}
}

// die ends the process as a power failure would: no deferred function runs, and
// nothing that is buffered is written.
func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // until the signal arrives
}

func trace(name string) {
	f, err := os.OpenFile(tracing, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, name); err != nil {
		panic(err)
	}
}

// take reads a variable that a child of this process must not obey too.
func take(name string) string {
	value := os.Getenv(name)
	if err := os.Unsetenv(name); err != nil {
		panic(err)
	}
	return value
}

// parse reads what a point is, "" if none is asked for.
func parse(s string) (nth int, name string) {
	if s == "" {
		return 0, ""
	}
	number, name, _ := strings.Cut(s, " ")
	nth, err := strconv.Atoi(number)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", At, err))
	}
	return nth, name
}
