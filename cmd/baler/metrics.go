package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	otel "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/telemetry"
	"github.com/balerhq/baler/flow/source"
)

// metrics is where the metrics of a run can be read.
type metrics struct{ address string }

func (m *metrics) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.address, "metrics", "", "address at which Prometheus reads the metrics of the run, below /metrics, such as :9464 or 0.0.0.0:9464; without a host, of this machine only")
}

// listenOn returns the address with the loopback as its host, unless it has
// one.
func (m *metrics) listenOn() (string, error) {
	host, port, err := net.SplitHostPort(m.address)
	if err != nil {
		return "", usage("--metrics is %q: must be a port, as in :9464, or a host and a port", m.address)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

func (m *metrics) validate() error {
	if m.address == "" {
		return nil
	}
	_, err := m.listenOn()
	return err
}

// These bound what a client of the endpoint can hold up.
const (
	metricsTimeout  = 10 * time.Second
	metricsLastWait = time.Second
)

// attach serves the metrics of a job until end is called.
func (m *metrics) attach(ctx context.Context, job *durable.Job[source.Row], tell func(string)) (end func(), err error) {
	if m.address == "" {
		return func() {}, nil
	}
	address, err := m.listenOn()
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	exporter, err := otel.New(otel.WithRegisterer(registry), otel.WithoutScopeInfo(), otel.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w", err)
	}
	meters := metric.NewMeterProvider(metric.WithReader(exporter))
	of, err := telemetry.New(telemetry.Config{Meter: meters.Meter("github.com/balerhq/baler")})
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, usage("--metrics: %w", err)
	}
	telemetry.Attach(job, of)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: metricsTimeout, WriteTimeout: metricsTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tell("metrics at http://" + listener.Addr().String() + "/metrics")
	return func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), metricsLastWait)
		defer cancel()
		err := errors.Join(server.Shutdown(last), of.Close(), meters.Shutdown(last))
		if served := <-served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		if err != nil {
			tell("baler: --metrics: " + err.Error())
		}
	}, nil
}
