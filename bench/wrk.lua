-- What wrk sends and prints for the measurements:
--
--     wrk ... -s wrk.lua URL -- DEPTH
--
-- DEPTH requests leave in one write, and the next ones when all are answered. The last line of the
-- output is one that harness.figures() reads. wrk.request stays its own, so wrk makes the bytes once
-- and calls no Lua while it measures.

function init(arguments)
  local depth = tonumber(arguments[1] or 1)
  local format = wrk.format
  wrk.format = function(...)
    return string.rep(format(...), depth)
  end
end

-- Without latencies: wrk adds to them what it thinks that it has missed, and pipelining misleads it.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("requests=%d seconds=%.6f rate=%.1f errors=%d\n", summary.requests,
    summary.duration / 1e6, summary.requests / summary.duration * 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
