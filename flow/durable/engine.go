package durable

import (
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// engine runs one job. Its parts are values with fields of their own. Rows flow
// from the intake through the packer to the drivers of batches. These share the
// records of batches, the progress, the notices and the clock.
type engine struct {
	config
	jobdir.Dir
	gate        *gate
	openBatches *openBatches
	changed     wakeup

	clock     *clock
	notices   *notices
	progress  *progress
	calls     *calls
	batches   *batches
	accounts  *accounts
	refusals  *refusals
	ledger    *ledger
	cleaner   *cleaner
	finder    *finder
	buyer     *buyer
	watcher   *watcher
	fetcher   *fetcher
	settler   *settler
	driver    *driver
	intake    *intake
	packer    *packer
	followers *followers
	adopter   *adopter
	blockage  *blockage
	guard     *guard
	canary    *canaryWatch
	primer    *primer

	controller *controller

	pollStates *pollStates
	resting    *restingDrivers
	anomalies  *anomalies
	failures   *failures
	cache      *cache

	open []intent.Intent // found at the start
}

func (e *engine) close() error {
	if err := e.abandon(); err != nil {
		return fmt.Errorf("durable: close: %w", err)
	}
	return nil
}
