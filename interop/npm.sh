#!/bin/sh
# Proves that the official npm clients drive the simulator unchanged.
# Needs go and node; exits with something other than 0 if any step fails.
set -eu
cd "$(dirname "$0")"
npm ci --prefix npm --no-audit --no-fund --loglevel=error
go run ./withsimulator node npm/openai.mjs
