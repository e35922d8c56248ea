package retry_test

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/balerhq/baler/retry"
)

// The system call of a file that fails is no network that does: it would be
// tried again for ever.
func TestAFullDiskIsNoNetwork(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EIO, syscall.EMFILE} {
		for _, err := range []error{
			&fs.PathError{Op: "write", Path: "f", Err: errno},
			&os.LinkError{Op: "rename", Old: "a", New: "b", Err: errno},
		} {
			if got := retry.ClassOf(fmt.Errorf("durable: %w", err)); got != retry.Permanent {
				t.Errorf("%v is %v", err, got)
			}
		}
	}
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	if got := retry.ClassOf(dial); got != retry.Ambiguous {
		t.Errorf("%v is %v", dial, got)
	}
}
