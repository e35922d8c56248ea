// Package simulator plays a batch provider on loopback, so that a client can be
// tested, shown and measured without a key, a network or a bill.
package simulator
