-- The same sale in Redis: an idempotency key, an append-only list of entries, a lot and a balance. ARGV: a random number
-- that is the transaction's id, and from which member, store and amount are taken; how many members there are.
local id = ARGV[1]
local number = tonumber(id)
local first = redis.call('GET', 't:' .. id)
if first then
    return first
end
local member = number % tonumber(ARGV[2])
local amount = number % 19901 + 100
local points = math.floor(amount / 100)
redis.call('SET', 't:' .. id, points)
redis.call('RPUSH', 'entries', id .. ' ' .. member .. ' ' .. number % 100 .. ' ' .. amount .. ' ' .. points)
redis.call('HINCRBY', 'lot:' .. member, '2027-12-31', points)
redis.call('HINCRBY', 'balance', member, points)
return points
