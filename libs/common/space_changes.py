"""Replace a camera's spaces in Redis: the part of a script that the API and `lotcast cameras apply` have in common."""

from __future__ import annotations

from typing import Final

REPLACE_SPACES: Final = """
-- What is known of a space that goes is closed by an event, so that no history stays open.
local function replace_spaces(spaces_key, occupancy_key, events_key, new, new_ids)
    local remain, names = {}, {}
    for _, id in ipairs(new_ids) do remain[id] = true end
    local is_json, spaces = pcall(cjson.decode, redis.call('GET', spaces_key) or '')
    if is_json and type(spaces) == 'table' then
        for _, space in ipairs(spaces) do
            if type(space) == 'table' and type(space.space_id) == 'string' and type(space.space_name) == 'string' then
                names[space.space_id] = space.space_name
            end
        end
    end
    local now = redis.call('TIME')
    local now_ms = string.format('%d', now[1] * 1000 + math.floor(now[2] / 1000))
    local known = redis.call('HGETALL', occupancy_key)
    for at = 1, #known, 2 do
        local id = known[at]
        if not remain[id] then
            local is_status, status = pcall(cjson.decode, known[at + 1])
            if is_status and type(status) == 'table' and (status.state == 'occupied' or status.state == 'free') then
                local event = {'space_id', id, 'space_name', names[id] or id, 'state', 'unknown',
                    'previous', status.state, 'at_ms', now_ms, 'reason', 'space removed'}
                if type(status.track_id) == 'number' then
                    event[#event + 1], event[#event + 2] = 'track_id', string.format('%d', status.track_id)
                end
                redis.call('XADD', events_key, '*', unpack(event))
            end
            redis.call('HDEL', occupancy_key, id)
        end
    end
    redis.call('SET', spaces_key, new)
end
"""
"""Lua, to stand at the beginning of a script. `new` is the list as it is stored, `new_ids` the ids in it."""
