# Everything that a change needs. The tools are built from bench/tools.mod, so
# that they stay out of the module graph of users.
TOOL := go tool -modfile=bench/tools.mod

.PHONY: help test race lint fmt fuzz bench rivals crash soak chaos interop interop-hold tidy ci

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

test: ## all tests, in under three minutes
	go test ./...

race: ## all tests but the long ones, with the race detector
	go test -race -shuffle=on -short -timeout 25m ./...

lint: ## what golangci-lint has to say, the arrows included
	$(TOOL) golangci-lint run ./...

fmt: ## format all code
	$(TOOL) golangci-lint fmt ./...

FUZZTIME ?= 30s
fuzz: ## fuzz every fuzz test for FUZZTIME
	@for pkg in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

bench: ## all benchmarks, and the table of peers; takes long and wants a quiet machine
	go test -run '^$$' -bench . -benchmem ./bench/...
	cd bench/peers && go run .

rivals: ## other batch clients, from PyPI, do the job of bench/endtoend beside baler; needs Python 3.11 and 3.12 or 3.13, and takes up to an hour
	go run ./bench/rivals -rows 1000,10000 -rounds 3
	go run ./bench/rivals -rows 100000 -rounds 1

crash: ## a crash at every durable write of a run
	go test -count=1 -tags crashpoint -run TestCrashAtEveryPoint ./cmd/baler

chaos: ## 200 worlds from a seed, of OpenAI and of Anthropic by turns: 2,000 kills, rivals, and a provider of its own that fails in all ways
	go run ./internal/chaos -worlds 200 -kills 2000

chaos soak crash: export TMPDIR := $(or $(TMPDIR),/tmp) # a real disk

soak: chaos ## the long suites: 200 worlds of chaos, 200 kills of 20,000 rows and 15 of 150,000, 200 with a budget that is reached three times, 20 of each other provider, 200,000 simulated runs, two crashes and a lost index at every durable write, each fault of each call of each provider, transfers of 200 MB and 1 GB, rows of 64 MiB, chains of runs, three accounts at three providers, 100,000 rows in one batch, 10,000 runs with a budget
	go test -count=5 -tags crashpoint -run TestCrashAtEveryPoint ./cmd/baler -crash.all -crash.twice -crash.lose=1
	go test -count=1 -timeout 2h -run TestKilledAgainAndAgain ./cmd/baler -crash.rows=20000 -crash.batch=1000 -crash.kills=200 -v
	go test -count=1 -timeout 2h -run TestKilledAgainAndAgain ./cmd/baler -crash.rows=150000 -crash.batch=10000 -crash.kills=15 -v
	go test -count=1 -timeout 1h -run TestABudgetIsKeptByAClient ./cmd/baler -crash.budget=200 -v
	go test -count=1 -timeout 1h -run TestOthersAreKilledToo ./cmd/baler -crash.all -v
	go test -count=1 -timeout 2h -run 'TestSimulation$$' ./internal/intent -intent.runs=200000 -v
	go test -count=1 -timeout 1h -run TestNoDamageIsSilent ./flow/durable/doctor -damage.cases=0 -v
	go test -count=1 -timeout 2h -run TestABudgetIsKept ./flow/durable -budget.runs=10000
	go test -count=1 -timeout 1h -run "StageAndJob|AKilledJob" ./flow/durable -durable.worlds=60 -durable.killed=60
	go test -count=1 -timeout 2h -run TestFaultMatrix ./sink/catalog -faults.all -v
	go test -count=1 -timeout 1h ./bench/transfer -transfer -v
	go test -count=1 -timeout 1h -run TestLargeRows ./cmd/baler -large.rows=6 -large.mib=64 -v
	go test -count=1 -timeout 1h -run TestRunsLiveOn ./flow/durable/archive -chain.kills=20 -v
	go test -count=1 -timeout 1h -run TestThreeAccounts ./cmd/baler -routes.rows=10000 -routes.kills=20 -v
	go test -count=1 -timeout 1h -run TestOneBatchOfAllRows ./cmd/baler -onebatch.rows=100000 -v

interop: ## the official clients drive the simulator (needs node and python3)
	cd interop && go test -count=1 -v . && go run ./official

interop-hold: ## the official clients call and make batches through baler serve, also one that is killed: twelve minutes
	cd interop && go test -count=1 -v ./go/hold && go run ./official -hold && go run ./official -batches && go run ./official -kill
	cd interop && npx --yes --package=node@22 -c 'go run ./official -hold npm/ai npm/anthropic npm/gemini npm/openai'

tidy: ## tidy all modules
	go mod tidy
	cd bench/peers && go mod tidy
	cd interop && go mod tidy
	cd examples/etl && go mod tidy
	cd examples/database && go mod tidy
	cd examples/postgres && go mod tidy
	cd flow/parquet && go mod tidy

ci: ## what runs on every change
	./.ci/run
