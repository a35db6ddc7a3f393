# shellcheck shell=bash
# Part of run.sh: what Debian offers, a new connection per request, 5,424-byte answer.

# peer TOOL ARGUMENT...: one measurement of it, against an nginx that was just started
peer() {
  local tool=$1 value
  command -v "$tool" >/dev/null || return 0
  fresh
  begin 80 nginx -c "$work/nginx.conf"
  value=$("${tool}_round" "${@:2}")
  finish "$begun"
  echo "${value:-0}" >>"$work/$tool.peer"
}

nginx_config() {
  head -c 5424 /dev/zero >"$work/a"
  cat <<END
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
worker_processes auto;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 0;
  client_body_temp_path $work/body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  server {
    listen 127.0.0.1:80 backlog=65535;
    root $work;
  }
}
END
}

wrk_round() {
  inside timeout 60 wrk -t2 -c64 -d"${seconds%.*}s" -H "Connection: close" http://127.0.0.1:80/a |
    awk '/^Requests\/sec/ { print $2 }'
}

ab_round() {
  inside timeout 60 ab -q -c 64 -n "$1" http://127.0.0.1:80/a 2>/dev/null |
    awk '/^Requests per second/ { print $4 }'
}

# httperf opens at a rate: at one that it only just keeps here. At twice that it runs out of its
# 1,024 descriptors, at less it does less than it could.
httperf_round() {
  inside timeout 60 httperf --server 127.0.0.1 --port 80 --uri /a --num-conns "$1" --rate 20000 \
    --timeout 1 2>/dev/null | awk '/test-duration/ { t = $NF == "s" ? $(NF - 1) : $NF }
      /^Total:/ { n = $7; for (i = 1; i <= NF; i++) if ($i == "test-duration") t = $(i + 1) }
      END { if (t > 0) printf "%.1f\n", n / t }'
}

peers() {
  local i tool count=20000 value
  has nginx || return 0
  [[ ! $short ]] || { count=1000; seconds=1; }
  nginx_config >"$work/nginx.conf"
  chmod 755 "$work"
  for ((i = 0; i < rounds; i++)); do
    for tool in ab httperf wrk; do
      peer "$tool" "$count"
    done
    row tspam_beside "$TSPAM" "$here/closed.lua" 0 "$seconds" 2 68 5424
    row tspam_beside_coalescing "$TSPAM" "$here/closed.lua" 0 "$seconds" 2 68 5424 coalesce
    row floor_beside "$floor" both -p 82 -s "$seconds" -q 68 -a 5424 -i -t 2
  done
  value=$(median "$work/tspam_beside.values" 1)
  local one_segment bare
  one_segment=$(median "$work/tspam_beside_coalescing.values" 1)
  bare=$(median "$work/floor_beside.values" 1)
  printf '\nConnection: close\n\n'
  echo "| peer | connections/s | tspam / peer | coalescing / peer | floor / peer |"
  echo "|---|---|---|---|---|"
  for tool in wrk ab httperf; do
    has "$tool" || continue
    awk -v tool="$tool" -v peer="$(median "$work/$tool.peer" 1)" -v tspam="$value" \
      -v together="$one_segment" -v bare="$bare" 'BEGIN { peer += 1e-9
        printf "| %s + nginx | %.0f | %.2f | %.2f | %.2f |\n", tool, peer, tspam / peer,
          together / peer, bare / peer }'
  done
  printf '\n| paired, %d rounds | figure | bound |\n|---|---|---|\n' "$rounds"
  for tool in wrk ab httperf; do
    command -v "$tool" >/dev/null || continue
    # shellcheck disable=SC2046 # the median, and the range
    held "connections/s, beside $tool + nginx, Connection: close, the same answer" \
      $(paired tspam_beside.values "$tool.peer")
  done
  # shellcheck disable=SC2046
  held "connections/s, beside wrk + nginx, with --coalesce-fin" \
    $(paired tspam_beside_coalescing.values wrk.peer)
}
