-- wrk's part of the benchmarks: writes of 64-byte values to 1,000 keys a thread, or linearizable reads of them, for Hive or for
-- etcd's JSON gateway (arguments "hive" or "etcd", "writes" or "reads"; for Hive also "keys": every write to a key of its own).
-- Prints one line of JSON for the caller.
local kind, what, run = "hive", "writes", "0"
local place = 0
local count = 0
local value = string.rep("v", 64)
local value64 = string.rep("dnZ2", 21) .. "dg=="
local next_place = 0

function setup(thread)
    thread:set("place", next_place)
    next_place = next_place + 1
end

-- Ten digits a key, a multiple of what base64 needs no padding for once two letters are added.
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(text)
    local out = {}
    for i = 1, #text, 3 do
        local a, b, c = text:byte(i, i + 2)
        local n = a * 65536 + b * 256 + c
        for shift = 3, 0, -1 do
            local digit = math.floor(n / 64 ^ shift) % 64
            out[#out + 1] = alphabet:sub(digit + 1, digit + 1)
        end
    end
    return table.concat(out)
end

local requests = {}
function init(args)
    kind, what, run = args[1] or kind, args[2] or what, args[3]
    for i = 0, 999 do
        local key = string.format("k%04d-%06d", place, i) -- 12 bytes
        if kind == "etcd" then
            local reads = what == "reads"
            local body = '{"key":"' .. base64(key) .. '"' .. (reads and "}" or ',"value":"' .. value64 .. '"}')
            requests[i] = wrk.format("POST", reads and "/v3/kv/range" or "/v3/kv/put", {["Content-Type"] = "application/json"}, body)
        elseif what == "reads" then
            requests[i] = wrk.format("GET", "/kv/" .. key)
        else
            requests[i] = wrk.format("PUT", "/kv/" .. key, nil, value)
        end
    end
end

function request()
    count = count + 1
    if what == "keys" then
        return wrk.format("PUT", string.format("/kv/k%s-%09d", run, count), nil, value)
    end
    return requests[count % 1000]
end

function done(summary, latency, _)
    local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status +
        summary.errors.timeout
    io.write(string.format('{"per_second":%.1f,"p50_ms":%.3f,"p99_ms":%.3f,"errors":%d}\n',
        summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors))
end
