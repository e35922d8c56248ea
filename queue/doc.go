// Package queue holds items back and lets the most urgent one go first.
package queue
