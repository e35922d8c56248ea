module github.com/balerhq/baler/bench/peers

go 1.26.0

require (
	github.com/balerhq/baler v0.0.0
	github.com/deliveryhero/pipeline/v2 v2.2.0
	github.com/destel/rill v0.8.1
	github.com/elgopher/batch v1.1.0
	github.com/graph-gophers/dataloader/v7 v7.1.0
	github.com/projectdiscovery/utils v0.8.0
	github.com/reugn/go-streams v0.13.0
	github.com/samber/lo v1.53.0
	github.com/samber/ro v0.3.0
	google.golang.org/api v0.311.0
)

require (
	golang.org/x/exp v0.0.0-20250106191152-7588d65b2ba8 // indirect
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/text v0.44.0 // indirect
)

replace github.com/balerhq/baler => ../..
