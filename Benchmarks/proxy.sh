#!/bin/bash
# Requests a second and latency of `meantime proxy` beside nginx and haproxy, doing the same: one route, two hosts, keep-alive
# on both sides, no logs. All run in turn on this machine against the same nginx hosts; only the ratios within one run mean
# anything. Needs nginx, haproxy and wrk (apt-get install nginx-light haproxy wrk).
#
#   Benchmarks/proxy.sh BINARY            a binary that takes: proxy --config FILE
#   SECONDS_EACH=5 CONNECTIONS=64 ROUNDS=3 Benchmarks/proxy.sh .build/release/meantime
set -euo pipefail

binary=${1:?"usage: $0 BINARY (the release build of meantime)"}
seconds=${SECONDS_EACH:-5}
connections=${CONNECTIONS:-64}
rounds=${ROUNDS:-3}
cores=$(nproc)
for tool in nginx haproxy wrk; do
    command -v "$tool" >/dev/null || { echo "$0: $tool is missing; apt-get install nginx-light haproxy wrk" >&2; exit 2; }
done

dir=$(mktemp -d)
started=()
finish() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

common="worker_processes $cores; daemon off; error_log /dev/null; pid PIDFILE; events { worker_connections 4096; }"
body=$(printf 'x%.0s' $(seq 1 1024))

{
    echo "${common/PIDFILE/$dir/hosts.pid}"
    echo "http { access_log off; keepalive_requests 100000000; keepalive_timeout 300s;"
    for port in 18101 18102; do echo "server { listen 127.0.0.1:$port backlog=4096; location / { return 200 '$body'; } }"; done
    echo "}"
} >"$dir/hosts.conf"

cat >"$dir/nginx.conf" <<END
${common/PIDFILE/$dir/nginx.pid}
http {
    access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
    upstream hosts { server 127.0.0.1:18101; server 127.0.0.1:18102; keepalive 256; keepalive_requests 100000000; }
    server {
        listen 127.0.0.1:18110 backlog=4096;
        location / {
            proxy_pass http://hosts; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host \$host; proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
            proxy_next_upstream error timeout http_503; proxy_next_upstream_tries 2;
        }
    }
}
END

cat >"$dir/haproxy.cfg" <<END
global
    nbthread $cores
    maxconn 4000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 15s
    option redispatch
    retries 1
    retry-on conn-failure empty-response 503
    http-reuse always
    option forwardfor
frontend in
    bind 127.0.0.1:18120
    default_backend hosts
backend hosts
    balance roundrobin
    server a 127.0.0.1:18101
    server b 127.0.0.1:18102
END

cat >"$dir/meantime.yaml" <<END
store: $dir/meantime.db
rules: $dir/rules.yaml
listen: 127.0.0.1:18130
admin: 127.0.0.1:18131
routes:
  all: {hosts: [127.0.0.1:18101, 127.0.0.1:18102]}
END

cat >"$dir/rules.yaml" <<END
version: 1
routes:
  all:
    timeout: 15s
    per_try_timeout: 5s
    retry: {max_retries: 1, on: [connect_failure, reset, error_status], host: other, backoff: {waits: [0ms, 25ms]}}
    budget: {ratio: 0.2, min_per_second: 3, window: 10s}
END

nginx -c "$dir/hosts.conf" -p "$dir" 2>/dev/null & started+=($!)
nginx -c "$dir/nginx.conf" -p "$dir" 2>/dev/null & started+=($!)
haproxy -f "$dir/haproxy.cfg" -q & started+=($!)
"$binary" proxy --config "$dir/meantime.yaml" >"$dir/meantime.log" 2>&1 & started+=($!)

names=(direct nginx haproxy meantime)
ports=(18101 18110 18120 18130)
for port in "${ports[@]}"; do
    for _ in $(seq 1 100); do
        if curl -sf -o /dev/null "http://127.0.0.1:$port/"; then continue 2; fi
        sleep 0.1
    done
    echo "$0: nothing answers on port $port" >&2
    tail -5 "$dir/meantime.log" >&2
    exit 1
done

# wrk prints latency with a unit: to microseconds.
us() { awk -v t="$1" 'BEGIN { v = t + 0; if (t ~ /us$/) f = 1; else if (t ~ /ms$/) f = 1e3; else f = 1e6; printf "%.0f", v * f }'; }

declare -A rate p50 p99
for round in $(seq 1 "$rounds"); do
    for index in "${!names[@]}"; do
        name=${names[$index]}
        out=$(wrk -t "$cores" -c "$connections" -d "${seconds}s" --latency "http://127.0.0.1:${ports[$index]}/")
        if grep -q -E "Socket errors|Non-2xx" <<<"$out"; then
            echo "$0: $name did not answer every request:" >&2
            grep -E "Socket errors|Non-2xx" <<<"$out" >&2
            exit 1
        fi
        rate[$name]+="$(awk '/Requests\/sec/ { print $2 }' <<<"$out") "
        p50[$name]+="$(us "$(awk '$1 == "50%" { print $2 }' <<<"$out")") "
        p99[$name]+="$(us "$(awk '$1 == "99%" { print $2 }' <<<"$out")") "
    done
done

median() { tr ' ' '\n' <<<"$1" | grep . | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

echo "$connections connections, ${seconds} s each, median of $rounds rounds, $cores cores shared by client, proxy and hosts"
printf '%-10s %12s %10s %10s %16s\n' "" "requests/s" "p50 us" "p99 us" "rate : nginx"
base=$(median "${rate[nginx]}")
for name in "${names[@]}"; do
    r=$(median "${rate[$name]}")
    printf '%-10s %12.0f %10.0f %10.0f %16.2f\n' "$name" "$r" "$(median "${p50[$name]}")" "$(median "${p99[$name]}")" \
        "$(awk -v a="$r" -v b="$base" 'BEGIN { print a / b }')"
done
